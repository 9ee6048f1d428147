"""Matrix products with frozen, trained, quantized and adapted weights, as torch, bitsandbytes 0.50 and PEFT 0.21 run them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.planner.arch import Arch, Linear
from engine.planner.tape.core import Shadow, Storage, Tape, fixed, new, parameter_gradient, record, save, times
from engine.planner.tape.ops import add, cast, copy, dropout, scale


@dataclass(frozen=True, slots=True)
class Setting:
    """What is fixed for a whole play-through."""

    arch: Arch
    weight_bytes: int
    """Bytes of one weight that is not quantized."""
    norm_bytes: int
    """Bytes of a norm's weight."""
    trains: bool
    """Full fine-tuning: every weight wants a gradient."""
    quantized: bool
    adapted: frozenset[str] = frozenset()
    """Paths of the matrices with an adapter."""
    rank: int = 0
    adapter_bytes: int = 2
    eager: bool = False
    dropout: float = 0.0
    attention_dropout: float = 0.0
    """Of the written-out attention weights; a fused kernel draws its own and keeps no mask."""
    extra_keys: int = 0
    """Prefix tuning: keys and values in front of the sequence."""
    padded: bool = False
    """A padding mask is kept."""
    fused: bool = False
    """Triton kernels for norms, rotary positions and adapters."""
    litgpt: bool = False
    """litgpt: every matrix product keeps its input, adapters drop out 5% of theirs, GELU is one kernel."""
    expert_loop: bool = False
    """Experts run one after another, as in transformers 4."""
    sharded: bool = False
    """Weights are gathered layer by layer: autocast's cache, which keeps casts of leaves only, keeps none of theirs."""


def linear(tape: Tape, setting: Setting, x: Shadow, module: Linear, name: str) -> Shadow:
    """x (b, s, in) -> (b, s, out), with the adapter where the module has one."""
    if module.path not in setting.adapted:
        return _base(tape, setting, x, module, name)
    return _with_adapter(tape, setting, x, _base(tape, setting, x, module, name), module, name)


def _packed(setting: Setting, module: Linear) -> bool:
    return setting.quantized and module.role not in setting.arch.kept_wide


def _base(tape: Tape, setting: Setting, x: Shadow, module: Linear, name: str) -> Shadow:
    if _packed(setting, module):
        return _four_bit(tape, x, module, setting.litgpt)
    return product(
        tape, x, name, module.out, module.inp, setting.weight_bytes, setting.trains, module.bias, setting.litgpt, not setting.sharded
    )


def product(
    tape: Tape, x: Shadow, name: str, out: int, inp: int, weight_bytes: int, trains: bool, bias: bool = False, keeps_input: bool = False,
    cached: bool = True,
) -> Shadow:  # fmt: skip
    """`F.linear`: saves its input where the weight is trained; under autocast both sides are cast to 16 bits first.

    A trained fp32 weight is cast once and the copy is kept until the forward pass ends (autocast's cache); a frozen one anew each time.
    """
    copied: Storage | None = None
    if tape.autocast:
        x = cast(tape, x, 2)
        if weight_bytes == 4:
            copied = tape.cast_cache.get(name)
            if copied is None:
                copied = Storage(tape, fixed(out * inp * 2), "temporaries")
                if trains and cached:
                    tape.cast_cache[name] = copied
    elif x.bytes != weight_bytes:
        x = cast(tape, x, weight_bytes)
    wants = x.node is not None
    kept: tuple[Storage, ...] = ()
    if trains or wants:
        kept = save(tape, trains + wants, *([x] if trains or keeps_input else []))
        if copied is not None and wants and tape.keeps:
            kept = (*kept, copied)
    elements = times(x.elements, out / inp)
    result = new(tape, elements, x.bytes)
    if not (trains or wants):
        return result
    before, width, node, cast_weight = x.elements, x.bytes, x.node, copied is not None

    def back(g: Shadow) -> tuple[Shadow | None]:
        given = new(tape, before, width) if node is not None else None
        if trains:
            held = new(tape, fixed(out * inp), 2, "temporaries") if cast_weight else None
            parameter_gradient(tape, name, out * inp, weight_bytes)
            del held
            if bias:
                parameter_gradient(tape, f"{name}.bias", out, weight_bytes)
        return (given,)

    return record(tape, result, (x.node,), kept, back)


def _four_bit(tape: Tape, x: Shadow, module: Linear, keeps_input: bool) -> Shadow:
    """bitsandbytes' 4-bit product: computes in 16 bits, keeps nothing but the packed weight; the backward pass unpacks it to 16 bits."""
    entered = x.bytes
    x = cast(tape, x, 2)
    result = new(tape, times(x.elements, module.out / module.inp), 2)
    if x.node is not None:
        before = x.elements

        def back(g: Shadow) -> tuple[Shadow]:
            unpacked = new(tape, fixed(module.out * module.inp), 2, "dequantization")
            given = new(tape, before, 2)
            del unpacked
            return (given,)

        kept = save(tape, 0, x) if keeps_input else ()
        result = record(tape, result, (x.node,), kept, back)
    return cast(tape, result, entered)


def _with_adapter(tape: Tape, setting: Setting, x: Shadow, result: Shadow, module: Linear, name: str) -> Shadow:
    """result + B(A(x)) * scaling: peft/tuners/lora/layer.py, Linear.forward, and lora/bnb.py, Linear4bit.forward."""
    width, rank, made, packed = setting.adapter_bytes, setting.rank, result.bytes, _packed(setting, module)
    if packed:
        result = copy(tape, result)
    if not (packed and tape.autocast):
        x = cast(tape, x, width)
    if setting.litgpt:
        x = dropout(tape, x, 0.05)
    low = product(tape, x, f"{name}.A", rank, module.inp, width, True)
    del x
    delta = scale(tape, product(tape, low, f"{name}.B", module.out, rank, width, True))
    del low
    if packed and not tape.autocast:
        delta = cast(tape, delta, made)
    result = add(tape, result, delta)
    del delta
    return result if packed else cast(tape, result, made)
