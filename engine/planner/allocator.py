"""From what tensors take (allocated) to what the allocator takes (reserved) and what nvidia-smi shows, with the measured error.

The caching allocator keeps freed blocks; how much more it reserves than the peak of live tensors depends on order and sizes.
The factors are set from rows, and the half widths are the errors measured on rows: both stand in constants.json, with the
rows they come from; accuracy.py makes and scores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from engine.planner.clock import constants
from engine.planner.hardware import CONTEXT_GIB
from engine.planner.memory import GIB, Estimate
from engine.planner.options import Options
from engine.planner.standing import Standing


class Reserve(NamedTuple):
    """GiB of one GPU: numbers, or arrays of them for many questions."""

    allocated_gib: Any
    allocated_interval_gib: tuple[Any, Any]
    reserved_gib: Any
    reserved_interval_gib: tuple[Any, Any]
    nvidia_smi_gib: Any


def reserve(options: Options, found: Estimate, room_gib: float) -> Reserve:
    """One question's figures, from its estimate."""
    return reserve_all(options, peaks_of(options, found), found.standing, room_gib, (max, min))


def peaks_of(options: Options, found: Estimate) -> dict[str, Any]:
    """What the allocator's slack depends on, in bytes, and the share of it that varying lengths leave."""
    share = length_share(options, options.seq_len, min)
    return {**found.phase_peaks_bytes, "loss": found.loss_bytes, "copy": found.copy_bytes, "moving": found.moving_bytes, "share": share}


Pick = Callable[[Any, Any], Any]


def length_share(options: Options, length: Any, smaller: Pick) -> Any:
    """Where lengths vary and their mean is known: the mean over the length that cuts them. Blocks of usual lengths, which few others fit, pile
    up; the longest texts are few. Else 1."""
    if not options.dynamic_padding or options.tokens_per_example is None:
        return 1.0
    return smaller(options.tokens_per_example, length) / length


def reserve_all(options: Options, peaks: Mapping[str, Any], held: Standing, room_gib: float, picks: tuple[Pick, Pick]) -> Reserve:
    """90% intervals from the relative errors measured for the method, for any number of batches and lengths at once.

    `peaks`: as `peaks_of`, each for all questions. `picks`: the larger and the smaller of two numbers, or of two arrays of them.
    """
    larger, smaller = picks
    allocated = larger(larger(peaks["forward"], peaks["backward"]), peaks["step"]) / GIB
    low, high = band("allocated_error", "" if unmeasured(options) else error_group(options.method, options.software))
    factors = constants()["fragmentation"]["dynamic" if options.dynamic_padding else "constant"]
    reserved = reserved_gib(options, peaks, held, room_gib, factors, picks)
    r_low, r_high = band("reserved_error", "" if unmeasured(options) else lengths_group(options))
    smallest = allocated * (1 + low)
    return Reserve(
        allocated,
        (smallest, allocated * (1 + high)),
        reserved,
        (larger(reserved * (1 + r_low), smaller(smallest, reserved)), reserved * (1 + r_high)),
        reserved + CONTEXT_GIB,
    )


def reserved_gib(
    options: Options,
    peaks: Mapping[str, Any],
    held: Standing,
    room_gib: float,
    factors: Sequence[float],
    picks: tuple[Pick, Pick] = (max, min),
) -> Any:
    """What the caching allocator takes from the card: started segments, always, and slack beyond live tensors in the forward and backward pass.

    The optimizer's first states settle in the segments that the first step's logits left, and its temporaries in small ones of their own: the
    next forward pass asks for the logits' segments anew, so that they come on top of the optimizer's step.
    A process cannot reserve more than the card has: it gives cached blocks back before it fails, so the slack ends there.
    """
    larger, smaller = picks
    blocks, *each = factors
    slack = peaks["share"] * sum(factor * source for factor, source in zip(each, sources(options, peaks, held), strict=True))
    moving, step = larger(peaks["forward"], peaks["backward"]) / GIB, peaks["step"] / GIB
    allocated = larger(moving, step)
    reserved = larger(step + peaks["loss"] / GIB, moving + slack) + blocks
    return larger(allocated, smaller(reserved, larger(room_gib, allocated)))


def sources(options: Options, peaks: Mapping[str, Any], held: Standing) -> tuple[Any, ...]:
    """What the caching allocator's slack comes from, in GiB, in the order of its factors.

    Blocks above 10 MiB get a segment each and may be split for smaller requests; a request of another size finds no whole one
    (c10/cuda/CUDACachingAllocator.cpp). So it comes from what is freed and asked for in turn: the logits' fp32 copy, the largest of all, which
    comes and goes beside the peak; what recomputed layers take among the kept inputs; gradients and optimizer states, which settle in segments
    that activations had. What is kept from the forward pass and freed in order leaves none. Where lengths vary, each of the loss's tensors
    has another size from step to step, and all of them count.
    """
    loss = peaks["loss"] if options.dynamic_padding else peaks["copy"]
    rest = peaks["moving"] - peaks["loss"]
    return loss / GIB, rest * (options.checkpointing != "none") / GIB, held.gradients_bytes / GIB + 0 * rest


def unmeasured(options: Options) -> bool:
    """Whether no published row is of this kind. Rows are of one GPU that learns from texts, whole, with LoRA or with QLoRA."""
    o = options
    return o.method not in ("full", "lora", "qlora") or o.objective != "sft" or o.gpus > 1 or o.offload != "none"


@cache
def band(name: str, group: str) -> tuple[float, float]:
    """The measured errors of a group; without one, from the lowest to the highest of all groups of the table that the formulas follow
    (litgpt is another program)."""
    table = constants()[name]
    low, high = zip(*([table[group]] if group else [value for key, value in table.items() if "litgpt" not in key]), strict=True)
    return min(low), max(high)


def error_group(method: str, software: str) -> str:
    """Rows are scored by method; litgpt, another training program, apart."""
    return f"{method}/litgpt" if software == "litgpt" and method != "full" else method


def lengths_group(options: Options) -> str:
    """Rows of reserved memory are scored by what is known of their lengths."""
    if not options.dynamic_padding:
        return "constant"
    return "dynamic" if options.tokens_per_example is None else "dynamic, mean known"
