"""One layer of each kind, in the order and with the local variables of transformers 5's modelling files."""

from __future__ import annotations

from engine.planner.arch import Linear, Stack
from engine.planner.tape.core import Q, Shadow, Size, T, Tape, new, times, tokens, view
from engine.planner.tape.linear import Setting, linear
from engine.planner.tape.ops import (
    add,
    cast,
    copy,
    dropout,
    fused_attention,
    fused_rms_norm,
    join,
    layer_norm,
    matmul,
    multiply,
    pointwise,
    rms_norm,
    scale,
    slice_of,
    softmax,
    split,
)


class Layer:
    """Modules of one layer by role, and the calls that every kind of layer makes."""

    def __init__(self, tape: Tape, setting: Setting, stack: Stack, number: int, first: bool = False) -> None:
        self.tape, self.setting, self.number, self.first = tape, setting, number, first
        self.modules = {module.role: module for module in stack.linears}

    def linear(self, x: Shadow, role: str) -> Shadow:
        return linear(self.tape, self.setting, x, self.modules[role], self.name(role))

    def name(self, part: str) -> str:
        return f"{self.number}.{part}"

    def norm(self, x: Shadow, part: str, width: int = 0, kind: str = "") -> Shadow:
        s, arch = self.setting, self.setting.arch
        width = width or arch.hidden
        trains = s.trains
        if arch.norm == "layer":
            return layer_norm(self.tape, x, self.name(part), width, weight_bytes=s.norm_bytes, trains=trains)
        if s.fused:
            return fused_rms_norm(self.tape, x, self.name(part), width, weight_bytes=s.norm_bytes, trains=trains)
        kind = "gemma" if arch.family.startswith("gemma") else ("t5" if arch.block == "t5" else "llama")
        return rms_norm(self.tape, x, self.name(part), width, weight_bytes=s.norm_bytes, trains=trains, kind=kind)

    def dropped(self, x: Shadow) -> Shadow:
        return dropout(self.tape, x, self.setting.dropout)


def rotate(tape: Tape, x: Shadow, share: float, passes: bool = False) -> Shadow:
    """Rotary positions: x * cos + rotate_half(x) * sin, on a share of each head. Su et al. 2021, 2104.09864, eq. 34."""
    whole = x
    if share < 1:
        x = slice_of(tape, whole, share)
    turned = scale(tape, x, by_tensor=True)
    first, second = slice_of(tape, x, 0.5), slice_of(tape, x, 0.5)
    flipped = scale(tape, second)
    half = join(tape, [flipped, first])
    del flipped, first, second
    half = scale(tape, half, by_tensor=True)
    out = add(tape, turned, half)
    del turned, half, x
    if share < 1 or passes:
        return join(tape, [out, slice_of(tape, whole, 1 - share)])
    return out


def attend(
    layer: Layer, q: Shadow, k: Shadow, v: Shadow, *, kv_heads: int, v_strided: bool = True, causal: bool = True, bias: Shadow | None = None
) -> Shadow:
    """Attention over q (b, a, s, d), k and v (b, kv, s, d): fused, or written out with its (b, a, s, s) scores."""
    tape, s = layer.tape, layer.setting
    heads, d = s.arch.heads, s.arch.head_dim
    masked = s.padded or s.extra_keys > 0 or bias is not None
    if not s.eager:
        groups = heads > kv_heads and (masked or d > 256)
        if groups:
            k, v = _repeat(tape, k, heads / kv_heads), _repeat(tape, v, heads / kv_heads)
        mask = _fused_mask(tape, layer, bias) if masked else None
        return fused_attention(tape, q, k, v, heads, causal_mask=mask)
    if heads > kv_heads:
        k, v = _repeat(tape, k, heads / kv_heads), _repeat(tape, v, heads / kv_heads)
        v_strided = False
    return _written_out(layer, q, k, v, v_strided, bias)


def _fused_mask(tape: Tape, layer: Layer, bias: Shadow | None) -> Shadow:
    """The mask as the kernel reads it: 16-bit numbers, one for each pair of positions."""
    heads = layer.setting.arch.heads if bias is not None else 1
    return new(tape, ((Q, heads), (T, heads * layer.setting.extra_keys)), 2)


def _repeat(tape: Tape, x: Shadow, factor: float) -> Shadow:
    """`repeat_kv`: each key and value head copied for its group of query heads; its gradient is summed back."""
    small, width = x.elements, x.bytes
    out = new(tape, times(x.elements, factor), width)
    if x.node is None:
        return out
    from engine.planner.tape.core import record

    return record(tape, out, (x.node,), (), lambda g: (new(tape, small, width),))


def _written_out(layer: Layer, q: Shadow, k: Shadow, v: Shadow, v_strided: bool, bias: Shadow | None) -> Shadow:
    """eager_attention_forward of transformers."""
    tape, s = layer.tape, layer.setting
    heads = s.arch.heads
    pairs: Size = ((Q, heads), (T, heads * s.extra_keys)) if s.extra_keys else ((Q, heads),)
    weights = scale(tape, matmul(tape, q, k, pairs))
    if s.arch.softcap:
        weights = scale(tape, weights)
        weights = pointwise(tape, weights, keeps_result=True)
        weights = scale(tape, weights)
    weights = add(tape, weights, bias) if bias is not None else scale_free_add(tape, weights)
    if s.arch.block in ("bert", "t5") or s.arch.family == "gpt2":
        weights = softmax(tape, weights, width=weights.bytes)
    else:
        weights = cast(tape, softmax(tape, weights, width=4), q.bytes)
    weights = dropout(tape, weights, s.dropout)
    if v_strided:
        v = copy(tape, v)
    out = matmul(tape, weights, v, q.elements)
    del weights
    return copy(tape, out)


def scale_free_add(tape: Tape, x: Shadow) -> Shadow:
    """Sum with a mask that wants no gradient."""
    out = new(tape, x.elements, x.bytes)
    if x.node is None:
        return out
    from engine.planner.tape.core import record

    return record(tape, out, (x.node,), (), lambda g: (view(g),))


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
    else:
        q, k, v = layer.linear(hidden, "q"), layer.linear(hidden, "k"), layer.linear(hidden, "v")
    if arch.qk_norm:
        q, k = layer.norm(q, "q_norm", d), layer.norm(k, "k_norm", d)
    q_turned = rotate(tape, q, arch.rotary_share, arch.family == "phi3")
    k = rotate(tape, k, arch.rotary_share, arch.family == "phi3")
    q = q_turned
    del q_turned
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads)
    del q, k, v
    return layer.linear(out, "o")


def gated_mlp(layer: Layer, x: Shadow) -> Shadow:
    """down(act(gate(x)) * up(x))."""
    tape = layer.tape
    if "gate_up" in layer.modules:
        both = layer.linear(x, "gate_up")
        gate, up = split(tape, both, (0.5, 0.5))
        del both
        up = multiply(tape, up, pointwise(tape, gate))
        return layer.linear(up, "down")
    return layer.linear(multiply(tape, pointwise(tape, layer.linear(x, "gate")), layer.linear(x, "up")), "down")


def experts(layer: Layer, x: Shadow) -> Shadow:
    """A router picks k of E experts for each token; the tokens are gathered k times over (grouped_mm of transformers 5)."""
    from engine.planner.tape.linear import product

    arch, tape, s = layer.setting.arch, layer.tape, layer.setting
    k, i, h = arch.experts_per_token, arch.expert_inner, arch.hidden
    if s.expert_loop:
        return _one_after_another(layer, x)
    routed = softmax(tape, product(tape, x, layer.name("router"), arch.experts, h, s.weight_bytes, s.trains), width=4)
    share = Shadow(routed.storage, tokens(k), 4, routed.node)
    gathered = _repeat(tape, x, k)
    both = expert_product(layer, gathered, "gate_up", 2 * i, h)
    del gathered
    gate, up = split(tape, both, (0.5, 0.5))
    del both
    inner = multiply(tape, pointwise(tape, gate), up)
    del gate, up
    out = expert_product(layer, inner, "down", h, i)
    del inner
    weighted = scale(tape, out)
    del out, share, routed
    return _sum_back(tape, weighted, 1 / k)


def _one_after_another(layer: Layer, x: Shadow) -> Shadow:
    """transformers 4: a loop over the experts, each with its own tokens; what the loop saves adds up, what it needs for a moment does not."""
    from engine.planner.tape.core import fixed, record, save

    arch, tape, s = layer.setting.arch, layer.tape, layer.setting
    k, i, h, count = arch.experts_per_token, arch.expert_inner, arch.hidden, arch.experts
    out = new(tape, tokens(h), x.bytes)
    wants = x.node is not None
    if not (wants or s.trains):
        return out
    kept = save(tape, 6, new(tape, tokens(k * i), 2), new(tape, tokens(k * i), 2), new(tape, tokens(k * i), 2), new(tape, tokens(k * h), 2))
    if s.trains:
        kept = (*kept, *save(tape, 2, new(tape, tokens(k * i), 2), new(tape, tokens(k * h), 2)))
    width, node = x.bytes, x.node

    def back(g: Shadow) -> tuple[Shadow | None]:
        unpacked = new(tape, fixed(h * i), 2, "dequantization") if s.quantized else None
        moment = [new(tape, tokens(k * i / count), 2) for _ in range(3)]
        given = new(tape, tokens(h), width) if node is not None else None
        del moment, unpacked
        return (given,)

    return record(tape, out, (node,), kept, back)


def _sum_back(tape: Tape, x: Shadow, share: float) -> Shadow:
    from engine.planner.tape.core import record

    out = new(tape, times(x.elements, share), x.bytes)
    if x.node is None:
        return out
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), (), lambda g: (new(tape, elements, width),))


def expert_product(layer: Layer, x: Shadow, role: str, out: int, inp: int) -> Shadow:
    """All experts of a layer as one grouped product; quantized experts are unpacked one at a time."""
    from engine.planner.tape.core import fixed, parameter_gradient, record, save

    tape, s = layer.tape, layer.setting
    name, count = layer.name(f"experts.{role}"), s.arch.experts
    wants = x.node is not None
    kept = save(tape, s.trains + wants, *([x] if s.trains else [])) if s.trains or wants else ()
    result = new(tape, times(x.elements, out / inp), x.bytes)
    if not (wants or s.trains):
        return result
    before, width, node = x.elements, x.bytes, x.node

    def back(g: Shadow) -> tuple[Shadow | None]:
        unpacked = new(tape, fixed(out * inp), 2, "dequantization") if s.quantized else None
        given = new(tape, before, width) if node is not None else None
        del unpacked
        if s.trains:
            parameter_gradient(tape, name, count * out * inp, s.weight_bytes)
        return (given,)

    return record(tape, result, (x.node,), kept, back)


def plain_mlp(layer: Layer, x: Shadow) -> Shadow:
    """down(act(up(x)))."""
    keeps_result = layer.setting.arch.activation == "relu"
    up = layer.linear(x, "up")
    if layer.setting.arch.family in ("gpt2", "phi") and not layer.setting.litgpt:
        return layer.linear(new_gelu(layer.tape, up), "down")
    return layer.linear(pointwise(layer.tape, up, keeps_result=keeps_result), "down")


def new_gelu(tape: Tape, x: Shadow) -> Shadow:
    """NewGELUActivation: 0.5 * x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3))), step by step."""
    from engine.planner.tape.ops import cube

    half = scale(tape, x)
    inner = scale(tape, add(tape, x, scale(tape, cube(tape, x))))
    bent = pointwise(tape, inner, keeps_result=True)
    del inner
    one = scale_free_add(tape, bent)
    del bent
    return multiply(tape, half, one)


def parallel(layer: Layer, hidden: Shadow) -> Shadow:
    """Attention and MLP side by side: GPT-NeoX, Phi, Falcon."""
    arch, tape = layer.setting.arch, layer.tape
    residual = hidden
    normed = layer.norm(hidden, "input_norm")
    attention = layer.dropped(_fused_or_split(layer, normed))
    if arch.family == "gpt_neox":
        mlp = layer.dropped(plain_mlp(layer, layer.norm(hidden, "post_norm")))
        return add(tape, add(tape, mlp, attention), hidden)
    if arch.family == "falcon":
        two = arch.stacks[0].norm_params == 4 * arch.hidden
        mlp = plain_mlp(layer, layer.norm(hidden, "mlp_norm") if two else normed)
        mlp = view(mlp) if attention.node is None else _add_into(tape, mlp, attention)
        return add(tape, residual, layer.dropped(mlp))
    mlp = layer.dropped(plain_mlp(layer, normed))
    return add(tape, add(tape, attention, mlp), residual)


def _add_into(tape: Tape, a: Shadow, b: Shadow) -> Shadow:
    """`a += b`."""
    from engine.planner.tape.core import record

    out = Shadow(a.storage, a.elements, a.bytes)
    return record(tape, out, (a.node, b.node), (), lambda g: (view(g), view(g)))


def _fused_or_split(layer: Layer, x: Shadow) -> Shadow:
    """Attention of the parallel families."""
    arch, tape = layer.setting.arch, layer.tape
    if "q" in layer.modules:
        q, k, v = layer.linear(x, "q"), layer.linear(x, "k"), layer.linear(x, "v")
    elif arch.family == "falcon":
        whole = layer.linear(x, "qkv")
        total = arch.heads + 2 * arch.kv_heads
        q = copy(tape, slice_of(tape, whole, arch.heads / total))
        k = copy(tape, slice_of(tape, whole, arch.kv_heads / total))
        v = copy(tape, slice_of(tape, whole, arch.kv_heads / total))
        del whole
    else:
        q, k, v = split(tape, layer.linear(x, "qkv"), (1 / 3, 1 / 3, 1 / 3))
    if arch.rotary_share:
        q = rotate(tape, q, arch.rotary_share, arch.family != "falcon")
        k = rotate(tape, k, arch.rotary_share, arch.family != "falcon")
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads)
    del q, k, v
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
    out = attend(layer, q, k, v, kv_heads=arch.kv_heads)
    del q, k, v
    hidden = add(tape, residual, layer.dropped(layer.linear(out, "o")))
    del out
    residual = hidden
    x = layer.norm(hidden, "ln_2")
    return add(tape, residual, layer.dropped(plain_mlp(layer, x)))


def bert(layer: Layer, hidden: Shadow) -> Shadow:
    """BertLayer: norms after the sums."""
    tape = layer.tape
    q, k, v = layer.linear(hidden, "q"), layer.linear(hidden, "k"), layer.linear(hidden, "v")
    out = attend(layer, q, k, v, kv_heads=layer.setting.arch.heads, causal=False)
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
    out = attend(layer, q, k, v, kv_heads=layer.setting.arch.heads, bias=bias)
    del q, k, v
    return add(layer.tape, hidden, layer.dropped(layer.linear(out, f"{prefix}o")))


def _t5_mlp(layer: Layer, hidden: Shadow) -> Shadow:
    tape = layer.tape
    x = layer.norm(hidden, "mlp_norm")
    if "gate" in layer.modules:
        inner = multiply(tape, pointwise(tape, layer.linear(x, "gate")), layer.linear(x, "up"))
    else:
        inner = pointwise(tape, layer.linear(x, "up"), keeps_result=True)
    out = layer.linear(layer.dropped(inner), "down")
    del inner
    return add(tape, hidden, layer.dropped(out))


def linear_named(stack: Stack, role: str) -> Linear:
    return next(module for module in stack.linears if module.role == role)
