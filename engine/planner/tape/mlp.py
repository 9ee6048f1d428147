"""Gated and plain MLPs, and mixtures of experts."""

from __future__ import annotations

from engine.planner.tape.attention import repeat, scale_free_add
from engine.planner.tape.core import Shadow, Tape, fixed, new, parameter_gradient, record, save, times, tokens
from engine.planner.tape.layer import Layer
from engine.planner.tape.linear import product
from engine.planner.tape.norms import cube, times_rows
from engine.planner.tape.ops import (
    add,
    cast,
    multiply,
    pointwise,
    scale,
    softmax,
    split,
)


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
    arch, tape, s = layer.setting.arch, layer.tape, layer.setting
    k, i, h = arch.experts_per_token, arch.expert_inner, arch.hidden
    if s.expert_loop:
        return _one_after_another(layer, x)
    routed = softmax(tape, product(tape, x, layer.name("router"), arch.experts, h, s.weight_bytes, s.trains), width=4)
    share = _chosen(layer, routed, 4 if arch.family == "mixtral" else x.bytes)
    del routed
    gathered = repeat(tape, x, k)
    both = expert_product(layer, gathered, "gate_up", 2 * i, h)  # `gathered` lives to the end of the function
    gate, up = split(tape, both, (0.5, 0.5))
    del both
    inner = multiply(tape, pointwise(tape, gate), up)
    del gate, up
    out = expert_product(layer, inner, "down", h, i)
    del inner
    weighted = times_rows(tape, out, share, tokens(k))
    del out, share
    weighted = _in_order(tape, weighted)
    return cast(tape, _sum_back(tape, weighted, 1 / k), x.bytes)


def _chosen(layer: Layer, routed: Shadow, width: int) -> Shadow:
    """Routing weights of the k experts of each token; beside them four 64-bit numbers a choice: index, order, row, way back."""
    tape, k = layer.tape, layer.setting.arch.experts_per_token
    out = new(tape, tokens(k), width)
    if routed.node is None:
        return out
    kept = save(tape, 4, new(tape, tokens(4 * k), 8))
    elements, whole = routed.elements, routed.bytes
    return record(tape, out, (routed.node,), kept, lambda g: (new(tape, elements, whole),))


def _in_order(tape: Tape, x: Shadow) -> Shadow:
    """Rows put back in the tokens' order: a copy, whose gradient is written into zeros."""
    out = new(tape, x.elements, x.bytes)
    if x.node is None:
        return out
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), save(tape, 1), lambda g: (new(tape, elements, width),))


def _one_after_another(layer: Layer, x: Shadow) -> Shadow:
    """transformers 4: a loop over the experts, each with its own tokens; what the loop saves adds up, what it needs for a moment does not."""
    arch, tape, s = layer.setting.arch, layer.tape, layer.setting
    k, i, h, count = arch.experts_per_token, arch.expert_inner, arch.hidden, arch.experts
    out = new(tape, tokens(h), x.bytes)
    wants = x.node is not None
    if not (wants or s.trains):
        return out
    width, node = x.bytes, x.node
    kept = save(tape, 6, *(new(tape, tokens(k * size), width) for size in (i, i, i, h)))
    if s.trains:
        kept = (*kept, *save(tape, 2, new(tape, tokens(k * i), 2), new(tape, tokens(k * h), 2)))

    def back(g: Shadow) -> tuple[Shadow | None]:
        unpacked = new(tape, fixed(h * i), 2, "dequantization") if s.quantized else None
        moment = [new(tape, tokens(k * i / count), width) for _ in range(3)]
        given = new(tape, tokens(h), width) if node is not None else None
        del moment, unpacked
        return (given,)

    return record(tape, out, (node,), kept, back)


def _sum_back(tape: Tape, x: Shadow, share: float) -> Shadow:
    out = new(tape, times(x.elements, share), x.bytes)
    if x.node is None:
        return out
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), (), lambda g: (new(tape, elements, width),))


def expert_product(layer: Layer, x: Shadow, role: str, out: int, inp: int) -> Shadow:
    """All experts of a layer as one grouped product, of 16-bit weights: bitsandbytes leaves one tensor of all experts as it is."""
    tape, s = layer.tape, layer.setting
    name, count = layer.name(f"experts.{role}"), s.arch.experts
    wants = x.node is not None
    kept = save(tape, s.trains + wants, *([x] if s.trains else [])) if s.trains or wants else ()
    result = new(tape, times(x.elements, out / inp), x.bytes)
    if not (wants or s.trains):
        return result
    before, width, node = x.elements, x.bytes, x.node

    def back(g: Shadow) -> tuple[Shadow | None]:
        given = new(tape, before, width) if node is not None else None
        if s.trains:
            parameter_gradient(tape, name, count * out * inp, s.weight_bytes)
        return (given,)

    return record(tape, result, (x.node,), kept, back)


def plain_mlp(layer: Layer, x: Shadow) -> Shadow:
    """down(act(up(x)))."""
    arch = layer.setting.arch
    x = layer.linear(x, "up")
    if arch.family in ("gpt2", "phi") and not layer.setting.litgpt:
        x = new_gelu(layer.tape, x)
    else:
        x = pointwise(layer.tape, x, keeps_result=arch.activation == "relu")
    return layer.linear(x, "down")


def new_gelu(tape: Tape, x: Shadow) -> Shadow:
    """NewGELUActivation: 0.5 * x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3))), step by step."""
    half = scale(tape, x)
    inner = scale(tape, add(tape, x, scale(tape, cube(tape, x))))
    bent = pointwise(tape, inner, keeps_result=True)
    del inner
    one = scale_free_add(tape, bent)
    del bent
    return multiply(tape, half, one)
