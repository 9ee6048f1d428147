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
    return reserve_all(options, peaks_of(found), found.standing, room_gib, (max, min))


def peaks_of(found: Estimate) -> dict[str, Any]:
    """What the allocator's slack depends on, in bytes."""
    return {**found.phase_peaks_bytes, "loss": found.loss_bytes, "moving": found.moving_bytes}


Pick = Callable[[Any, Any], Any]


def reserve_all(options: Options, peaks: Mapping[str, Any], held: Standing, room_gib: float, picks: tuple[Pick, Pick]) -> Reserve:
    """90% intervals from the relative errors measured for the method, for any number of batches and lengths at once.

    A process cannot reserve more than the card has: it gives cached blocks back before it fails, so the slack ends there.
    `peaks`: as `peaks_of`, each for all questions. `picks`: the larger and the smaller of two numbers, or of two arrays of them.
    """
    larger, smaller = picks
    moving = larger(peaks["forward"], peaks["backward"])
    allocated = larger(moving, peaks["step"]) / GIB
    low, high = band("allocated_error", "" if unmeasured(options) else error_group(options.method, options.software))
    factors = constants()["fragmentation"]["dynamic" if options.dynamic_padding else "constant"]
    blocks, slack = slack_gib(options, peaks, held, factors)
    reserved = larger(peaks["step"] / GIB, moving / GIB + slack) + blocks
    reserved = larger(allocated, smaller(reserved, larger(room_gib, allocated)))
    r_low, r_high = band("reserved_error", "" if unmeasured(options) else "dynamic" if options.dynamic_padding else "constant")
    smallest = allocated * (1 + low)
    return Reserve(
        allocated,
        (smallest, allocated * (1 + high)),
        reserved,
        (larger(reserved * (1 + r_low), smaller(smallest, reserved)), reserved * (1 + r_high)),
        reserved + CONTEXT_GIB,
    )


def sources(options: Options, peaks: Mapping[str, Any], held: Standing) -> tuple[Any, ...]:
    """What the caching allocator's slack comes from, in GiB, in the order of its factors.

    Blocks above 10 MiB get a segment each and may be split for smaller requests; a request of another size finds no whole one
    (c10/cuda/CUDACachingAllocator.cpp). So it comes from what is freed and asked for in turn: the few very large tensors of logits and
    loss; what recomputed layers take among the kept inputs; gradients and optimizer states, which settle in segments that activations had.
    What is kept from the forward pass and freed in order leaves none.
    """
    rest = peaks["moving"] - peaks["loss"]
    return peaks["loss"] / GIB, rest * (options.checkpointing != "none") / GIB, held.gradients_bytes / GIB + 0 * rest


def slack_gib(options: Options, peaks: Mapping[str, Any], held: Standing, factors: Sequence[float]) -> tuple[float, Any]:
    """Started segments, always; and what is reserved beyond live tensors in the forward and backward pass."""
    blocks, *each = factors
    return blocks, sum(factor * source for factor, source in zip(each, sources(options, peaks, held), strict=True))


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
