"""One layer of each kind, in the order and with the local variables of transformers 5's modelling files."""

from __future__ import annotations

from engine.planner.tape.attention import attend, rotate
from engine.planner.tape.core import Shadow, Tape, record, view
from engine.planner.tape.layer import Layer
from engine.planner.tape.mlp import experts, gated_mlp, new_gelu, plain_mlp
from engine.planner.tape.ops import (
    add,
    copy,
    multiply,
    pointwise,
    scale,
    slice_of,
    split,
)


def llama(layer: Layer, hidden: Shadow) -> Shadow:
    """LlamaDecoderLayer and its kin: Mistral, Qwen 2/3, Granite, Gemma, Mixtral, Phi-3."""
    arch, tape = layer.setting.arch, layer.tape
    residual = hidden
    hidden = layer.norm(hidden, "input_norm")
    hidden = rotary_attention(layer, hidden)
    if arch.scaled:
        hidden = scale(tape, hidden)
    hidden = add(tape, residual, hidden)
    residual = hidden
    hidden = layer.norm(hidden, "post_norm")
    hidden = experts(layer, hidden) if arch.experts else gated_mlp(layer, hidden)
    if arch.scaled:
        hidden = scale(tape, hidden)
    return add(tape, residual, hidden)


def gemma2(layer: Layer, hidden: Shadow) -> Shadow:
    """Gemma2DecoderLayer, Gemma3DecoderLayer: norms before and after attention and MLP."""
    tape = layer.tape
    residual = hidden
    hidden = rotary_attention(layer, layer.norm(hidden, "input_norm"))
    hidden = layer.norm(hidden, "post_attention_norm")
    hidden = add(tape, residual, hidden)
    residual = hidden
    hidden = gated_mlp(layer, layer.norm(hidden, "pre_mlp_norm"))
    hidden = layer.norm(hidden, "post_mlp_norm")
    return add(tape, residual, hidden)


def rotary_attention(layer: Layer, hidden: Shadow) -> Shadow:
    arch, tape = layer.setting.arch, layer.tape
    d = arch.head_dim
    if "qkv" in layer.modules:
        whole = layer.linear(hidden, "qkv")
        total = arch.heads + 2 * arch.kv_heads
        q = slice_of(tape, whole, arch.heads / total)
        k = slice_of(tape, whole, arch.kv_heads / total)
        v = slice_of(tape, whole, arch.kv_heads / total)
        del whole
    elif arch.family in ("qwen3", "qwen3_moe"):
        q = layer.norm(layer.linear(hidden, "q"), "q_norm", d)
        k = layer.norm(layer.linear(hidden, "k"), "k_norm", d)
        v = layer.linear(hidden, "v")
    else:
        q, k, v = layer.linear(hidden, "q"), layer.linear(hidden, "k"), layer.linear(hidden, "v")
    if arch.qk_norm and arch.family == "gemma3_text":
        q = layer.norm(q, "q_norm", d)
        k = layer.norm(k, "k_norm", d)
    q_turned = rotate(tape, q, arch.rotary_share, arch.family == "phi3")
    k = rotate(tape, k, arch.rotary_share, arch.family == "phi3")
    q = q_turned
    del q_turned
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads, by_heads=arch.rotary_share < 1 or arch.family == "phi3")
    del q, k, v
    return layer.linear(out, "o")


def parallel(layer: Layer, hidden: Shadow) -> Shadow:
    """Attention and MLP side by side: GPT-NeoX, Phi, Falcon."""
    arch, tape = layer.setting.arch, layer.tape
    if arch.family == "gpt_neox":
        attention = layer.dropped(_fused_or_split(layer, layer.norm(hidden, "input_norm")))
        mlp = layer.dropped(plain_mlp(layer, layer.norm(hidden, "post_norm")))
        return add(tape, add(tape, mlp, attention), hidden)
    residual = hidden
    normed = layer.norm(hidden, "input_norm")
    attention = layer.dropped(_fused_or_split(layer, normed))
    if arch.family == "falcon":
        two = arch.stacks[0].norm_params == 4 * arch.hidden
        mlp = plain_mlp(layer, layer.norm(hidden, "mlp_norm") if two else normed)
        mlp = view(mlp) if attention.node is None else _add_into(tape, mlp, attention)
        return add(tape, residual, layer.dropped(mlp))
    mlp = layer.dropped(plain_mlp(layer, normed))
    return add(tape, add(tape, attention, mlp), residual)


def _add_into(tape: Tape, a: Shadow, b: Shadow) -> Shadow:
    """`a += b`."""
    out = Shadow(a.storage, a.elements, a.bytes)
    return record(tape, out, (a.node, b.node), (), lambda g: (view(g), view(g)))


def _fused_or_split(layer: Layer, x: Shadow) -> Shadow:
    """Attention of the parallel families."""
    arch, tape = layer.setting.arch, layer.tape
    if "q" in layer.modules:
        q, k, v = layer.linear(x, "q"), layer.linear(x, "k"), layer.linear(x, "v")
    elif arch.family == "falcon":
        whole = layer.linear(x, "qkv")  # lives to the end of the attention
        total = arch.heads + 2 * arch.kv_heads
        q = slice_of(tape, whole, arch.heads / total)
        k = copy(tape, slice_of(tape, whole, arch.kv_heads / total))
        v = copy(tape, slice_of(tape, whole, arch.kv_heads / total))
    else:
        q, k, v = split(tape, layer.linear(x, "qkv"), (1 / 3, 1 / 3, 1 / 3))
    held: list[Shadow] = []
    if arch.rotary_share:
        q = rotate(tape, q, arch.rotary_share, arch.family != "falcon", held)
        k = rotate(tape, k, arch.rotary_share, arch.family != "falcon", held)
    if arch.family != "phi":  # its attention rotates in its own body, and keeps both parts to its end
        held.clear()
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads, by_heads=arch.rotary_share > 0 and arch.family != "falcon")
    del q, k, v, held
    return layer.linear(out, "o")


def gpt2(layer: Layer, hidden: Shadow) -> Shadow:
    """GPT2Block, GPTBigCodeBlock."""
    arch, tape = layer.setting.arch, layer.tape
    residual = hidden
    hidden = layer.norm(hidden, "ln_1")
    total = arch.heads + 2 * arch.kv_heads
    q, k, v = split(tape, layer.linear(hidden, "qkv"), (arch.heads / total, arch.kv_heads / total, arch.kv_heads / total))
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads)
    del q, k, v
    out = layer.dropped(layer.linear(out, "o"))
    hidden = add(tape, out, residual)
    residual = hidden
    out = layer.dropped(plain_mlp(layer, layer.norm(hidden, "ln_2")))
    return add(tape, residual, out)


def opt(layer: Layer, hidden: Shadow) -> Shadow:
    """OPTDecoderLayer; also Bloom and the families whose attention and MLP follow one another."""
    arch, tape = layer.setting.arch, layer.tape
    residual = hidden
    x = layer.norm(hidden, "ln_1")
    if "q" in layer.modules:
        q = layer.linear(x, "q")
        q = scale(tape, q)
        k, v = layer.linear(x, "k"), layer.linear(x, "v")
    else:
        q, k, v = split(tape, layer.linear(x, "qkv"), (1 / 3, 1 / 3, 1 / 3))
        if arch.rotary_share:
            q, k = rotate(tape, q, arch.rotary_share, True), rotate(tape, k, arch.rotary_share, True)
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads, by_heads=arch.rotary_share > 0)
    del q, k, v
    hidden = add(tape, residual, layer.dropped(layer.linear(out, "o")))
    del out
    residual = hidden
    del hidden, x
    return add(tape, residual, layer.dropped(plain_mlp(layer, layer.norm(residual, "ln_2"))))


def bert(layer: Layer, hidden: Shadow) -> Shadow:
    """BertLayer: norms after the sums."""
    tape = layer.tape
    q, k, v = layer.linear(hidden, "q"), layer.linear(hidden, "k"), layer.linear(hidden, "v")
    out = attend(layer, q, k, v, kv_heads=layer.setting.arch.heads)
    del q, k, v
    out = layer.dropped(layer.linear(out, "o"))
    hidden = layer.norm(add(tape, out, hidden), "attention_norm")
    out = layer.dropped(plain_mlp(layer, hidden))
    return layer.norm(add(tape, out, hidden), "output_norm")


def t5_encoder(layer: Layer, hidden: Shadow, bias: Shadow) -> Shadow:
    """T5Block without cross-attention."""
    hidden = _t5_attention(layer, hidden, None, "", bias)
    return _t5_mlp(layer, hidden)


def t5_decoder(layer: Layer, hidden: Shadow, memory: Shadow, bias: Shadow, cross_bias: Shadow) -> Shadow:
    """T5Block with cross-attention over `memory`, the encoder's result."""
    hidden = _t5_attention(layer, hidden, None, "", bias)
    hidden = _t5_attention(layer, hidden, memory, "cross_", cross_bias)
    return _t5_mlp(layer, hidden)


def _t5_attention(layer: Layer, hidden: Shadow, memory: Shadow | None, prefix: str, bias: Shadow) -> Shadow:
    x = layer.norm(hidden, f"{prefix}norm")
    other = memory if memory is not None else x
    q, k, v = layer.linear(x, f"{prefix}q"), layer.linear(other, f"{prefix}k"), layer.linear(other, f"{prefix}v")
    out = attend(layer, q, k, v, kv_heads=layer.setting.arch.heads, bias=bias, across=memory is not None)
    del q, k, v
    return add(layer.tape, hidden, layer.dropped(layer.linear(out, f"{prefix}o")))


def _t5_mlp(layer: Layer, hidden: Shadow) -> Shadow:
    tape = layer.tape
    x = layer.norm(hidden, "mlp_norm")
    if "gate" in layer.modules:
        inner = multiply(tape, new_gelu(tape, layer.linear(x, "gate")), layer.linear(x, "up"))
    else:
        inner = pointwise(tape, layer.linear(x, "up"), keeps_result=True)
    out = layer.linear(layer.dropped(inner), "down")
    del inner
    return add(tape, hidden, layer.dropped(out))
