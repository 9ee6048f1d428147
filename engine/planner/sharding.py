"""How several GPUs share a model's memory: closed sums over one GPU's terms. Rajbhandari et al. 2020, 1910.02054, §5; Zhao et al. 2023, 2304.11277."""

from __future__ import annotations

from engine.planner.arch import Arch
from engine.planner.memory import Estimate
from engine.planner.options import FOUR_BIT, QUANTIZED, Options

_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.0}


def shard(options: Options, arch: Arch, one: Estimate) -> Estimate:
    """One GPU's share. Activations and logits are whole on each, since each has its own micro-batch."""
    n, kind = options.gpus, options.sharding
    if n == 1 and options.offload == "none":
        return one
    held = dict(one.standing.terms_bytes)
    gradients, temporary = one.standing.gradients_bytes, one.standing.step_bytes
    unit = layer_bytes(options, arch)
    buffers = 0.0
    if n > 1 and kind in ("zero1", "zero2", "zero3", "fsdp"):
        held["optimizer"] /= n
        temporary /= n
    reduced = gradients
    if n > 1 and kind in ("zero2", "zero3", "fsdp"):
        reduced = gradients / n
        buffers += gradients / max(arch.layers, 1)  # one layer's gradients are whole until they are reduced
    if n > 1 and kind in ("zero3", "fsdp"):
        held["weights"] /= n
        held["adapters"] /= n
        buffers += 2 * unit  # the layer at work and the next one, gathered in advance
    if n > 1 and kind == "ddp":
        buffers += gradients  # the reducer's buckets hold a copy (torch/csrc/distributed/c10d/reducer.cpp)
    if options.offload in ("optimizer", "all"):
        held["optimizer"], temporary = 0.0, 0.0
    if options.offload == "all":
        buffers += 2 * unit if not (n > 1 and kind in ("zero3", "fsdp")) else 0.0
        held["weights"] = held["quant_constants"] = 0.0
        reduced = gradients / max(arch.layers, 1)
    return _summed(one, held, gradients, reduced, temporary, buffers)


def _summed(one: Estimate, held: dict[str, float], whole: float, reduced: float, temporary: float, buffers: float) -> Estimate:
    before = one.standing
    always = sum(held.values())
    moving = {name: value - before.terms_bytes.get(name, 0.0) for name, value in one.terms_bytes.items()}
    if one.phase == "step":
        moving["gradients"], moving["temporaries"] = 0.0, 0.0
    share = reduced / whole if whole else 1.0
    peaks = {"load": always, "step": always + reduced + temporary + buffers}
    for phase in ("forward", "backward"):
        peaks[phase] = always + one.phase_peaks_bytes[phase] - before.always_bytes + buffers
    if one.phase != "step":
        saved = moving["gradients"] * (1 - share)
        moving["gradients"] *= share
        peaks[one.phase] -= saved
    phase = max(("forward", "backward", "step"), key=lambda name: peaks[name])
    terms = {name: held.get(name, 0.0) for name in one.terms_bytes}
    if phase == "step":
        terms["gradients"], terms["temporaries"] = reduced, temporary + buffers
    elif phase == one.phase:
        for name, value in moving.items():
            terms[name] += value
        terms["temporaries"] += buffers
    else:
        rest = peaks[phase] - always - buffers
        terms["activations"] += max(rest, 0.0)
        terms["temporaries"] += buffers
    standing = before._replace(terms_bytes=held, always_bytes=always, gradients_bytes=reduced, step_bytes=temporary + buffers)
    return Estimate(sum(terms.values()), terms, phase, peaks, standing)


def layer_bytes(options: Options, arch: Arch) -> float:
    """One layer's weights as they are gathered."""
    width = 0.5 if options.weights in FOUR_BIT else _BYTES.get(options.weights, 2.0)
    largest = max(stack.layer_params for stack in arch.stacks)
    return largest * (width if options.weights in QUANTIZED else _BYTES.get(options.weights, 2.0))
