"""Rotary positions and attention, fused or written out, as transformers 5 runs them."""

from __future__ import annotations

from engine.planner.tape.core import SS, B, Q, Shadow, Size, T, Tape, new, parameter_gradient, record, times, view
from engine.planner.tape.layer import Layer
from engine.planner.tape.ops import (
    add,
    cast,
    copy,
    dropout,
    fused_attention,
    join,
    matmul,
    pointwise,
    scale,
    scores_size,
    slice_of,
    softmax,
)


def rotate(tape: Tape, x: Shadow, share: float, passes: bool = False, held: list[Shadow] | None = None) -> Shadow:
    """Rotary positions: x * cos + rotate_half(x) * sin, on a share of each head. Su et al. 2021, 2104.09864, eq. 34.

    `held` gets the two parts that are joined in the end: the turned one, and the one that passes.
    """
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
        rest = slice_of(tape, whole, 1 - share)
        if held is not None:
            held += [out, rest]
        return join(tape, [out, rest])
    return out


def attend(
    layer: Layer,
    q: Shadow,
    k: Shadow,
    v: Shadow,
    *,
    kv_heads: int,
    by_heads: bool = False,
    bias: Shadow | None = None,
    across: bool = False,
) -> Shadow:
    """Attention over q (b, a, s, d), k and v (b, kv, s, d): fused, or written out with its (b, a, s, s) scores.

    `by_heads`: q and k lie in memory head by head, as after a join, and not token by token, as projections leave them.
    """
    tape, s = layer.tape, layer.setting
    heads, d = s.arch.heads, s.arch.head_dim
    masked = s.padded or s.extra_keys > 0 or bias is not None
    k_joined, v_joined = by_heads, False
    if s.extra_keys:
        k, v = _after_prefix(layer, k), _after_prefix(layer, v, lets_go=layer.last)
        k_joined = v_joined = True
    if not s.eager and kv_heads < heads and s.arch.family == "falcon" and not s.litgpt:
        return _unfused(layer, q, k, v, masked)
    if not s.eager:
        groups = heads > kv_heads and (masked or d > 256)
        if groups:
            k, v = repeat(tape, k, heads / kv_heads), repeat(tape, v, heads / kv_heads)
        mask = _fused_mask(tape, layer, bias, across) if masked else None
        out = fused_attention(tape, q, k, v, heads, causal_mask=mask)
        if by_heads and heads > 1 and not s.litgpt:  # the result lies as q does, and the next product wants it token by token
            out = copy(tape, out)
        return out
    if heads > kv_heads:
        k, v = repeat(tape, k, heads / kv_heads), repeat(tape, v, heads / kv_heads)
        k_joined = v_joined = True
    return _written_out(layer, q, k, v, (by_heads, k_joined, v_joined), bias)


def _after_prefix(layer: Layer, x: Shadow, lets_go: bool = False) -> Shadow:
    """Learned keys or values in front of the layer's own: a copy of both, which wants gradients whatever came before.

    All layers' prefixes are one tensor, which goes once the last layer has its copy (`lets_go`).
    """
    tape, s = layer.tape, layer.setting
    learned = s.extra_keys * s.arch.kv_heads * s.arch.head_dim
    out = new(tape, (*x.elements, (B, learned)), x.bytes)
    if lets_go:
        tape.prefix.clear()
    count = learned * 2 * s.arch.layers
    width = x.bytes

    def back(g: Shadow) -> tuple[Shadow]:
        if layer.number == 0 and "prefix" not in tape.grads:
            joined = new(tape, ((B, count),), width)
            wide = new(tape, ((B, count),), s.adapter_bytes)
            del joined
            parameter_gradient(tape, "prefix", count, s.adapter_bytes)
            del wide
        return (view(g),)

    return record(tape, out, (x.node,), (), back)


def _fused_mask(tape: Tape, layer: Layer, bias: Shadow | None, across: bool) -> Shadow:
    """The mask as the kernel reads it: 16-bit numbers for each pair of positions, or a layer's own copy of the learned distances.

    Distances across to another sequence are zeros that all layers share (create_position_bias_mask).
    """
    if bias is not None:
        return bias if across else new(tape, bias.elements, bias.bytes)
    return new(tape, ((Q, 1), (T, layer.setting.extra_keys)), 2)


def repeat(tape: Tape, x: Shadow, factor: float) -> Shadow:
    """`repeat_kv`: each key and value head copied for its group of query heads; its gradient is summed back."""
    small, width = x.elements, x.bytes
    out = new(tape, times(x.elements, factor), width)
    if x.node is None:
        return out
    return record(tape, out, (x.node,), (), lambda g: (new(tape, small, width),))


def _written_out(layer: Layer, q: Shadow, k: Shadow, v: Shadow, joined: tuple[bool, bool, bool], bias: Shadow | None) -> Shadow:
    """eager_attention_forward of transformers; `matmul` copies what does not lie head by head (`joined`: q, k, v do)."""
    tape, s = layer.tape, layer.setting
    heads = s.arch.heads
    pairs: Size = ((Q, heads), (T, heads * s.extra_keys)) if s.extra_keys else ((Q, heads),)
    q_flat, k_flat = (x if lies or heads == 1 else copy(tape, x) for x, lies in zip((q, k), joined[:2], strict=True))
    weights = matmul(tape, q_flat, k_flat, pairs)
    bloom = s.arch.family == "bloom"  # scales inside its product, and holds its copies and its first scores to the end
    held = [q_flat, k_flat, weights, copy(tape, v)] if bloom else []
    del q_flat, k_flat
    if not bloom:
        weights = scale(tape, weights)
    if s.arch.softcap:
        weights = scale(tape, weights)
        weights = pointwise(tape, weights, keeps_result=True)
        weights = scale(tape, weights)
    weights = add(tape, weights, bias) if bias is not None else scale_free_add(tape, weights)
    if s.arch.block in ("bert", "t5") or s.arch.family in ("gpt2", "falcon"):  # in the type that the scores have
        weights = softmax(tape, weights, width=weights.bytes)
    else:
        weights = cast(tape, softmax(tape, weights, width=4), q.bytes)
    weights = dropout(tape, weights, s.attention_dropout)
    if bloom:
        v_flat = held[-1]
    else:
        v_flat = v if joined[2] or heads == 1 else copy(tape, v)
    out = matmul(tape, weights, v_flat, q.elements)
    if bloom and tape.phase == "forward":
        tape.returned = [weights.storage]
    del weights, v_flat, held
    return out if heads == 1 else copy(tape, out)


def _unfused(layer: Layer, q: Shadow, k: Shadow, v: Shadow, masked: bool) -> Shadow:
    """SDPA where one key head serves many query heads and nobody has copied it: no fused kernel takes that, so everything
    becomes fp32 and the scores are written out (torch, transformers/attention.cpp, _scaled_dot_product_attention_math)."""
    tape, s = layer.tape, layer.setting
    heads = s.arch.heads
    wide = [cast(tape, x, 4) for x in (q, k, v)]
    scaled = scale(tape, wide[0])
    causal = None if masked else new(tape, ((SS, 1),), 4)
    k_scaled = scale(tape, wide[1])
    k_flat = repeat(tape, k_scaled, heads / s.arch.kv_heads)
    scores = matmul(tape, scaled, k_flat, scores_size(heads, s.extra_keys))
    del k_scaled, k_flat
    scores = scale_free_add(tape, scores)
    weights = softmax(tape, scores, width=4)
    del scores
    returned = cast(tape, Shadow(weights.storage, weights.elements, 4), q.bytes)
    out = cast(tape, matmul(tape, weights, repeat(tape, wide[2], heads / s.arch.kv_heads), q.elements), q.bytes)
    del returned, causal
    return out


def scale_free_add(tape: Tape, x: Shadow) -> Shadow:
    """Sum with a mask that wants no gradient."""
    out = new(tape, x.elements, x.bytes)
    if x.node is None:
        return out
    return record(tape, out, (x.node,), (), lambda g: (view(g),))
