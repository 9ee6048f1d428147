"""From a config.json to an `Arch`, one short function a family; field names and defaults are those of transformers' config classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.contracts import SpecError
from engine.planner.arch import Arch, Linear, Stack
from engine.planner.fields import Fields


def _attention(h: int, q: int, kv: int, *, bias: bool = False, out_bias: bool = False, out: str = "o_proj") -> tuple[Linear, ...]:
    return (
        Linear("self_attn.q_proj", "q", q, h, bias),
        Linear("self_attn.k_proj", "k", kv, h, bias),
        Linear("self_attn.v_proj", "v", kv, h, bias),
        Linear(f"self_attn.{out}", "o", h, q, out_bias),
    )


def _gated(h: int, i: int, bias: bool = False) -> tuple[Linear, ...]:
    return (
        Linear("mlp.gate_proj", "gate", i, h, bias),
        Linear("mlp.up_proj", "up", i, h, bias),
        Linear("mlp.down_proj", "down", h, i, bias),
    )


def _llama(f: Fields) -> Arch:
    """Llama, Mistral, Qwen 2/3, Granite, Gemma, Gemma 2/3, Mixtral and Qwen 3 MoE: RMS norm, rotary, gated MLP."""
    kind = f.family
    h, layers, heads = f.whole("hidden_size"), f.whole("num_hidden_layers"), f.whole("num_attention_heads")
    kv = f.whole("num_key_value_heads", heads)
    gemma = kind.startswith("gemma")
    d = f.whole("head_dim", {"gemma": 256, "gemma2": 256, "gemma3_text": 256, "qwen3": 128}.get(kind, max(h // heads, 1)))
    f.divides("num_attention_heads", heads, "num_key_value_heads", kv)
    i, vocab = f.whole("intermediate_size"), f.whole("vocab_size")
    tied = f.flag("tie_word_embeddings", gemma)
    qkv_bias = kind == "qwen2" or f.flag("attention_bias", False)
    linears = _attention(h, heads * d, kv * d, bias=qkv_bias, out_bias=kind != "qwen2" and f.flag("attention_bias", False))
    qk_norm = kind in ("qwen3", "qwen3_moe", "gemma3_text")
    norms = (4 if kind in ("gemma2", "gemma3_text") else 2) * h + (2 * d if qk_norm else 0)
    experts = top = width = 0
    if kind in ("mixtral", "qwen3_moe"):
        experts = f.whole("num_local_experts" if kind == "mixtral" else "num_experts")
        top = f.whole("num_experts_per_tok")
        width = i if kind == "mixtral" else f.whole("moe_intermediate_size")
        f.at_most("num_experts_per_tok", top, experts)
        f.empty("mlp_only_layers")
        f.equal("decoder_sparse_step", 1)
    else:
        linears += _gated(h, i, kind not in ("gemma", "gemma2", "gemma3_text") and f.flag("mlp_bias", False))
    stack = Stack(layers, linears, norms, experts * 3 * width * h, experts * h, extra_params=h)
    return Arch(
        family=kind,
        block="gemma2" if kind in ("gemma2", "gemma3_text") else "llama",
        hidden=h, inner=i, heads=heads, kv_heads=kv, head_dim=d, vocab=vocab, positions=f.whole("max_position_embeddings"),
        tied=tied, stacks=(stack,), embed_params=vocab * h, head_params=0 if tied else vocab * h,
        activation="gelu_tanh" if gemma else "silu", qk_norm=qk_norm, experts=experts, experts_per_token=top, expert_inner=width,
        softcap=kind == "gemma2", scaled=kind == "granite",
    )  # fmt: skip


def _phi3(f: Fields) -> Arch:
    h, layers, heads, i = (f.whole(n) for n in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"))
    kv, vocab = f.whole("num_key_value_heads", heads), f.whole("vocab_size")
    d = f.whole("head_dim", max(h // heads, 1))
    tied = f.flag("tie_word_embeddings", False)
    linears = (
        Linear("self_attn.qkv_proj", "qkv", (heads + 2 * kv) * d, h),
        Linear("self_attn.o_proj", "o", h, heads * d),
        Linear("mlp.gate_up_proj", "gate_up", 2 * i, h),
        Linear("mlp.down_proj", "down", h, i),
    )
    stack = Stack(layers, linears, 2 * h, extra_params=h)
    return Arch("phi3", "llama", h, i, heads, kv, d, vocab, f.whole("max_position_embeddings"), tied, (stack,), vocab * h,
                0 if tied else vocab * h, rotary_share=f.share("partial_rotary_factor", 1.0))  # fmt: skip


def _phi(f: Fields) -> Arch:
    h, layers, heads, i = (f.whole(n) for n in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"))
    kv, vocab = f.whole("num_key_value_heads", heads), f.whole("vocab_size")
    d = f.whole("head_dim", max(h // heads, 1))
    tied = f.flag("tie_word_embeddings", False)
    linears = _attention(h, heads * d, kv * d, bias=True, out_bias=True, out="dense")
    linears += (Linear("mlp.fc1", "up", i, h, True), Linear("mlp.fc2", "down", h, i, True))
    stack = Stack(layers, linears, 2 * h, extra_params=2 * h)
    return Arch("phi", "parallel", h, i, heads, kv, d, vocab, f.whole("max_position_embeddings"), tied, (stack,), vocab * h,
                vocab + (0 if tied else vocab * h), norm="layer", gated=False, activation="gelu_tanh",
                rotary_share=f.share("partial_rotary_factor", 0.5))  # fmt: skip


def _neox(f: Fields) -> Arch:
    h, layers, heads, i = (f.whole(n) for n in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"))
    vocab, bias, tied = f.whole("vocab_size"), f.flag("attention_bias", True), f.flag("tie_word_embeddings", False)
    f.divides("hidden_size", h, "num_attention_heads", heads)
    linears = (
        Linear("attention.query_key_value", "qkv", 3 * h, h, bias),
        Linear("attention.dense", "o", h, h, bias),
        Linear("mlp.dense_h_to_4h", "up", i, h, True),
        Linear("mlp.dense_4h_to_h", "down", h, i, True),
    )
    stack = Stack(layers, linears, 4 * h, extra_params=2 * h)
    return Arch("gpt_neox", "parallel" if f.flag("use_parallel_residual", True) else "opt", h, i, heads, heads, h // heads, vocab,
                f.whole("max_position_embeddings"), tied, (stack,), vocab * h, 0 if tied else vocab * h, norm="layer", gated=False,
                activation="gelu", rotary_share=f.share("rotary_pct", 0.25))  # fmt: skip


def _gpt2(f: Fields) -> Arch:
    """GPT-2 (matrices transposed) and GPT-BigCode (one key and value head for all)."""
    h, layers, heads, pos = (f.whole(n) for n in ("n_embd", "n_layer", "n_head", "n_positions"))
    i, vocab = f.whole("n_inner", 4 * h), f.whole("vocab_size")
    f.divides("n_embd", h, "n_head", heads)
    kv = 1 if f.family == "gpt_bigcode" and f.flag("multi_query", True) else heads
    d, tied = h // heads, f.flag("tie_word_embeddings", True)
    linears = (
        Linear("attn.c_attn", "qkv", h + 2 * kv * d, h, True),
        Linear("attn.c_proj", "o", h, h, True),
        Linear("mlp.c_fc", "up", i, h, True),
        Linear("mlp.c_proj", "down", h, i, True),
    )
    stack = Stack(layers, linears, 4 * h, extra_params=2 * h)
    return Arch(f.family, "gpt2", h, i, heads, kv, d, vocab, pos, tied, (stack,), (vocab + pos) * h, 0 if tied else vocab * h, norm="layer",
                gated=False, activation="gelu_tanh", rotary_share=0.0, conv1d=f.family == "gpt2")  # fmt: skip


def _bloom(f: Fields) -> Arch:
    h, layers, heads = (
        f.whole_of("hidden_size", "n_embed"),
        f.whole_of("n_layer", "num_hidden_layers"),
        f.whole_of("n_head", "num_attention_heads"),
    )
    vocab, tied = f.whole("vocab_size"), f.flag("tie_word_embeddings", True)
    f.divides("hidden_size", h, "n_head", heads)
    linears = (
        Linear("self_attention.query_key_value", "qkv", 3 * h, h, True),
        Linear("self_attention.dense", "o", h, h, True),
        Linear("mlp.dense_h_to_4h", "up", 4 * h, h, True),
        Linear("mlp.dense_4h_to_h", "down", h, 4 * h, True),
    )
    stack = Stack(layers, linears, 4 * h, extra_params=2 * h)
    return Arch("bloom", "opt", h, 4 * h, heads, heads, h // heads, vocab, 0, tied, (stack,), vocab * h + 2 * h, 0 if tied else vocab * h,
                norm="layer", gated=False, activation="gelu_tanh", rotary_share=0.0)  # fmt: skip


def _opt(f: Fields) -> Arch:
    h, layers, heads, i = (f.whole(n) for n in ("hidden_size", "num_hidden_layers", "num_attention_heads", "ffn_dim"))
    vocab, pos, width = f.whole("vocab_size"), f.whole("max_position_embeddings"), f.whole("word_embed_proj_dim", h)
    bias, tied = f.flag("enable_bias", True), f.flag("tie_word_embeddings", True)
    f.divides("hidden_size", h, "num_attention_heads", heads)
    linears = _attention(h, h, h, bias=bias, out_bias=bias, out="out_proj")
    linears += (Linear("fc1", "up", i, h, bias), Linear("fc2", "down", h, i, bias))
    final = f.flag("do_layer_norm_before", True) and not f.flag("_remove_final_layer_norm", False)
    outer = () if width == h else (Linear("project_in", "in", h, width), Linear("project_out", "out", width, h))
    stack = Stack(layers, linears, 4 * h, extra_params=2 * h if final else 0)
    return Arch("opt", "opt", h, i, heads, heads, h // heads, vocab, pos, tied, (stack,), vocab * width + (pos + 2) * h,
                0 if tied else vocab * width, outer, width, norm="layer", gated=False, activation="relu", rotary_share=0.0)  # fmt: skip


def _falcon(f: Fields) -> Arch:
    h, layers, heads = f.whole("hidden_size"), f.whole_of("num_hidden_layers", "n_layer"), f.whole_of("num_attention_heads", "n_head")
    new, parallel = f.flag("new_decoder_architecture", False), f.flag("parallel_attn", True)
    one, bias, tied = f.flag("multi_query", True), f.flag("bias", False), f.flag("tie_word_embeddings", True)
    f.divides("hidden_size", h, "num_attention_heads", heads)
    kv = f.whole_of("num_kv_heads", "n_head_kv", default=heads) if new else (1 if one else heads)
    d, vocab, i = h // heads, f.whole("vocab_size"), f.whole("ffn_hidden_size", 4 * h)
    linears = (
        Linear("self_attention.query_key_value", "qkv", (heads + 2 * kv) * d, h, bias),
        Linear("self_attention.dense", "o", h, h, bias),
        Linear("mlp.dense_h_to_4h", "up", i, h, bias),
        Linear("mlp.dense_4h_to_h", "down", h, i, bias),
    )
    norms = 2 if (new and f.whole("num_ln_in_parallel_attn", 2) == 2) or (not new and not parallel) else 1
    stack = Stack(layers, linears, norms * 2 * h, extra_params=2 * h)
    alibi = f.flag("alibi", False)
    return Arch("falcon", "parallel" if parallel or new else "opt", h, i, heads, kv, d, vocab, 0 if alibi else f.whole("max_position_embeddings", 2048),
                tied, (stack,), vocab * h, 0 if tied else vocab * h, norm="layer", gated=False, activation="gelu",
                rotary_share=0.0 if alibi else 1.0)  # fmt: skip


def _t5(f: Fields) -> Arch:
    h, i, layers, heads, d = (f.whole(n) for n in ("d_model", "d_ff", "num_layers", "num_heads", "d_kv"))
    vocab, buckets, decoder = f.whole("vocab_size"), f.whole("relative_attention_num_buckets", 32), f.whole("num_decoder_layers", layers)
    gated = "gated" in f.word("feed_forward_proj", "relu" if f.family == "t5" else "gated-gelu")
    q = heads * d

    def attention(path: str, cross: str = "") -> tuple[Linear, ...]:
        return (*(Linear(f"{path}.{n}", cross + n, q, h) for n in "qkv"), Linear(f"{path}.o", f"{cross}o", h, q))

    def mlp(at: int) -> tuple[Linear, ...]:
        path = f"layer.{at}.DenseReluDense"
        first = (Linear(f"{path}.wi_0", "gate", i, h), Linear(f"{path}.wi_1", "up", i, h)) if gated else (Linear(f"{path}.wi", "up", i, h),)
        return (*first, Linear(f"{path}.wo", "down", h, i))

    self_attention = attention("layer.0.SelfAttention")
    stacks = (
        Stack(layers, self_attention + mlp(1), 2 * h, extra_params=h + buckets * heads),
        Stack(decoder, self_attention + attention("layer.1.EncDecAttention", "cross_") + mlp(2), 3 * h, extra_params=h + buckets * heads),
    )
    # transformers 5 ties input and output embedding of every T5, whatever the config says
    return Arch(f.family, "t5", h, i, heads, heads, d, vocab, 0, True, stacks, vocab * h, 0, gated=gated,
                activation="gelu_tanh" if gated else "relu", rotary_share=0.0, kept_wide=("down",))  # fmt: skip


def _bert(f: Fields) -> Arch:
    h, layers, heads, i = (f.whole(n) for n in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"))
    vocab, pos, types = f.whole("vocab_size"), f.whole("max_position_embeddings"), f.whole("type_vocab_size", 2)
    f.divides("hidden_size", h, "num_attention_heads", heads)
    linears = (
        *(Linear(f"attention.self.{n}", n[0], h, h, True) for n in ("query", "key", "value")),
        Linear("attention.output.dense", "o", h, h, True),
        Linear("intermediate.dense", "up", i, h, True),
        Linear("output.dense", "down", h, i, True),
    )
    stack = Stack(layers, linears, 4 * h)
    room = pos - 2 if f.family == "roberta" else pos  # RoBERTa's first two positions are padding
    return Arch(f.family, "bert", h, i, heads, heads, h // heads, vocab, room, True, (stack,), (vocab + pos + types + 2) * h, 0,
                (Linear("pooler.dense", "pool", h, h, True),), norm="layer", gated=False, activation="gelu", rotary_share=0.0)  # fmt: skip


_READERS: dict[str, Callable[[Fields], Arch]] = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "granite", "gemma", "gemma2", "gemma3_text", "mixtral", "qwen3_moe"), _llama),
    **dict.fromkeys(("gpt2", "gpt_bigcode"), _gpt2),
    **dict.fromkeys(("t5", "mt5"), _t5),
    **dict.fromkeys(("bert", "roberta"), _bert),
    "phi": _phi, "phi3": _phi3, "gpt_neox": _neox, "opt": _opt, "falcon": _falcon, "bloom": _bloom,
}  # fmt: skip
FAMILIES = tuple(sorted(_READERS))


@cache
def _family_defaults() -> dict[str, dict[str, Any]]:
    """Family -> the fields that its reader asks for, as transformers 5.23's config class fills them in."""
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("family_defaults.json").read_bytes())
    return found


def read_config(config: Any) -> Arch:
    """The sizes in a config.json that was parsed into a dict.

    Raises:
        SpecError: an unknown family, or a field that is missing, of the wrong type, negative or absurd; the sentence names it.
    """
    return _read(config)[0]


def fields_read(config: Any) -> dict[str, Any]:
    """The fields of a config.json that decide its sizes, and no others; they make the same `Arch`. Raises SpecError as above."""
    return _read(config)[1]


def _read(config: Any) -> tuple[Arch, dict[str, Any]]:
    if not isinstance(config, Mapping):
        raise SpecError(f"config must be a JSON object, not {type(config).__name__}; paste the whole config.json")
    inner = config.get("text_config")
    if isinstance(inner, Mapping) and ("hidden_size" in inner or inner.get("model_type") in _READERS):
        # a model that also sees: the language part is what is tuned, and transformers writes only what differs from its family's defaults
        kind = inner.get("model_type") or {"gemma3": "gemma3_text"}.get(str(config.get("model_type")), config.get("model_type"))
        config = {**(_family_defaults().get(kind, {}) if isinstance(kind, str) else {}), **inner, "model_type": kind}
    family = config.get("model_type")
    reader = _READERS.get(family) if isinstance(family, str) else None
    if reader is None:
        raise SpecError(f"config.model_type={str(family)[:40]!r} is not a family this program knows; use one of {', '.join(FAMILIES)}")
    fields = Fields(str(family), config)
    return reader(fields), fields.used
