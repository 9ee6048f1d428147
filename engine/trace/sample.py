"""Random questions that can be traced: small models of every family with random sizes, methods and settings, from a seed."""

from __future__ import annotations

import random
from typing import Any

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "granite", "gemma", "gemma2", "gemma3_text", "phi", "phi3", "gpt2", "gpt_neox", "opt",
            "falcon", "bloom", "t5", "bert", "roberta", "mixtral", "qwen3_moe")  # fmt: skip
"""Families whose sums are checked against traces."""
_NO_PROMPT = ("bert", "roberta")
_NO_PREFIX = ("bert", "roberta", "t5", "falcon", "bloom", "gpt2", "opt", "phi", "gpt_neox", "gemma2", "gemma3_text")


def sample(seed: int, family: str = "") -> dict[str, Any]:
    """One question as plain values. The same seed gives the same question on any machine."""
    dice = random.Random(seed)
    family = family or dice.choice(FAMILIES)
    config = random_config(dice, family)
    method = dice.choice(_methods(family))
    out: dict[str, Any] = {
        "config": config,
        "method": method,
        "seq_len": dice.choice((32, 64, 96, 128, 192, 256, 384, 512)),
        "micro_batch": dice.choice((1, 1, 2, 2, 3, 4, 6, 8)),
        "attention": dice.choice(("sdpa", "sdpa", "eager")),
        "checkpointing": dice.choice(("none", "full", "selective")) if method != "prefix" else "none",
        "optimizer": dice.choice(("adamw", "adamw-fused", "sgd")),
        "accumulation": dice.choice((1, 1, 1, 4)),
    }
    if family in ("bert", "roberta") or method == "head":
        out["objective"] = "classify"
    elif method in ("lora", "qlora", "full") and family != "t5" and dice.random() < 0.15:
        out["objective"] = "dpo"
        out["reference"] = "precomputed" if method == "full" else dice.choice(("adapter-off", "precomputed"))
    elif family != "t5" and dice.random() < 0.2:
        out["logits"] = "legacy"
    _method_settings(dice, method, out)
    if family in ("mixtral", "qwen3_moe") and method == "full":
        out["weights"] = "bf16"  # the grouped product of a CPU has no other
    if family == "t5" and method == "full":
        out["attention"] = "eager"  # a CPU's fused attention takes no mask that learns; a GPU's does
    if family in ("gemma2", "bloom"):
        out["attention"] = "eager"  # scores through tanh, or with slopes added: transformers has no fused version
    if method == "prompt":
        out.pop("logits", None)
    return out


def _methods(family: str) -> tuple[str, ...]:
    if family in ("mixtral", "qwen3_moe"):  # no qlora: their experts are one tensor, which bitsandbytes leaves as it is
        return "full", "lora", "lora", "head", "prompt", "prefix"
    methods = ["full", "lora", "lora", "qlora", "head"]
    if family not in _NO_PROMPT:
        methods.append("prompt")
    if family not in _NO_PREFIX:
        methods.append("prefix")
    return tuple(methods) if family != "t5" else ("full", "lora", "qlora")


def _method_settings(dice: random.Random, method: str, out: dict[str, Any]) -> None:
    if method == "full":
        out["weights"] = dice.choice(("bf16", "fp32"))
        out["autocast"] = "none"
    if method in ("lora", "qlora"):
        out["rank"] = dice.choice((1, 4, 8, 16, 64))
        out["targets"] = dice.choice(("q,v", "qkvo", "all-linear"))
        out["trainable_dtype"] = dice.choice(("bf16", "fp32"))
        out["autocast"] = "none"
    if method == "qlora":
        out["weights"] = dice.choice(("nf4", "nf4-dq", "fp4"))
    if method in ("prompt", "prefix"):
        out["virtual_tokens"] = dice.choice((4, 16, 64))


def random_config(dice: random.Random, family: str) -> dict[str, Any]:
    """A small config.json of the family."""
    d = dice.choice((32, 64, 128))
    kv = dice.choice((1, 2, 4))
    heads = kv * dice.choice((1, 2, 4))
    layers, vocab = dice.randint(2, 7), dice.choice((1000, 8000, 32000))
    h = heads * d
    inner = 64 * dice.randint(max(h // 64, 2), 4 * h // 64 + 2)
    common = {"model_type": family, "vocab_size": vocab}
    named = {"hidden_size": h, "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads}
    if family == "gpt2":
        return {**common, "n_embd": h, "n_inner": inner, "n_layer": layers, "n_head": heads, "n_positions": 1024}
    if family == "opt":
        named.pop("intermediate_size")
        return {**common, **named, "ffn_dim": inner, "max_position_embeddings": 1024, "word_embed_proj_dim": h}
    if family == "bloom":
        return {**common, "hidden_size": h, "n_layer": layers, "n_head": heads}
    if family == "t5":
        kind = dice.choice(("relu", "gated-gelu"))
        return {**common, "d_model": h, "d_ff": inner, "num_layers": layers, "num_decoder_layers": layers, "num_heads": heads, "d_kv": d,
                "feed_forward_proj": kind}  # fmt: skip
    if family == "falcon":
        return {**common, "hidden_size": h, "num_hidden_layers": layers, "num_attention_heads": heads, "multi_query": True, "bias": False,
                "parallel_attn": True, "new_decoder_architecture": False, "alibi": False}  # fmt: skip
    named["max_position_embeddings"] = 1026
    if family not in ("bert", "roberta", "gpt_neox"):
        named["num_key_value_heads"] = kv
        named["tie_word_embeddings"] = dice.random() < 0.5
    if family in ("qwen3", "gemma", "gemma2", "gemma3_text"):
        named["head_dim"] = d
    if family in ("gemma2", "gemma3_text"):
        named["sliding_window"] = 4096
    if family in ("phi", "phi3"):
        named["partial_rotary_factor"] = 0.5 if family == "phi" else 1.0
    if family in ("bert", "roberta"):
        named["type_vocab_size"] = 2
    if family in ("mixtral", "qwen3_moe"):
        named["num_local_experts" if family == "mixtral" else "num_experts"] = dice.choice((4, 8))
        named["num_experts_per_tok"] = dice.choice((1, 2, 4))
    if family == "qwen3_moe":
        named |= {"head_dim": d, "moe_intermediate_size": 64 * dice.randint(1, 8), "norm_topk_prob": True}
    return {**common, **named}
