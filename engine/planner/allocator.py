"""From what tensors take (allocated) to what the allocator takes (reserved) and what nvidia-smi shows, with the measured error.

The caching allocator keeps freed blocks; how much more it reserves than the peak of live tensors depends on order and sizes.
The factors are set from rows, and the half widths are the errors measured on rows: both stand in constants.json, with the
rows they come from; accuracy.py makes and scores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import mul
from typing import Any, NamedTuple

from engine.planner.clock import constants
from engine.planner.hardware import CONTEXT_GIB
from engine.planner.memory import GIB, Estimate
from engine.planner.options import Options

LEAST_BAND = 0.01
"""No band is stated narrower than one percent either way: rows of one model are alike, and most groups have four to six models."""


class Reserve(NamedTuple):
    """GiB of one GPU: numbers, or arrays of them for many questions."""

    allocated_gib: Any
    allocated_interval_gib: tuple[Any, Any]
    reserved_gib: Any
    reserved_interval_gib: tuple[Any, Any]
    nvidia_smi_gib: Any


def reserve(options: Options, found: Estimate, room_gib: float) -> Reserve:
    """One question's figures, from its estimate."""
    return reserve_all(options, peaks_of(options, found), room_gib, (max, min))


def peaks_of(options: Options, found: Estimate) -> dict[str, Any]:
    """What the allocator's slack depends on, in bytes, and the share of it that varying lengths leave."""
    share = length_share(options, options.seq_len, min)
    loss = {"loss": found.loss_bytes, "copy": found.copy_bytes, "idle": found.idle_bytes}
    return {**found.phase_peaks_bytes, **loss, "moving": found.moving_bytes, "share": share, "standing": found.standing.always_bytes}


Pick = Callable[[Any, Any], Any]


def length_share(options: Options, length: Any, smaller: Pick) -> Any:
    """Where lengths vary and their mean is known: the mean over the length that cuts them. Blocks of usual lengths, which few others fit, pile
    up; the longest texts are few. Else 1."""
    if not options.dynamic_padding or options.tokens_per_example is None:
        return 1.0
    return smaller(options.tokens_per_example, length) / length


def reserve_all(options: Options, peaks: Mapping[str, Any], room_gib: float, picks: tuple[Pick, Pick]) -> Reserve:
    """90% intervals from the errors measured for the method, for any number of batches and lengths at once.

    `peaks`: as `peaks_of`, each for all questions. `picks`: the larger and the smaller of two numbers, or of two arrays of them.
    """
    larger, smaller = picks
    allocated = larger(larger(peaks["forward"], peaks["backward"]), peaks["step"]) / GIB
    low, high = band("allocated_error", "" if unmeasured(options) else error_group(options.method, options.software))
    factors = constants()["fragmentation"]["dynamic" if options.dynamic_padding else "constant"]
    reserved = reserved_gib(options, peaks, room_gib, factors, picks)
    smallest, largest = allocated * (1 + low), allocated * (1 + high)
    r_low, r_high = reserved, larger(reserved, largest)
    for group in constants()["reserved_error"] if unmeasured(options) else (lengths_group(options),):
        (below, above), doubt = band("reserved_error", group), doubt_gib(group, reserved, allocated, peaks["standing"])
        r_low, r_high = smaller(r_low, reserved + below * doubt), larger(r_high, reserved + above * doubt)
    return Reserve(allocated, (smallest, largest), reserved, (larger(r_low, smaller(smallest, reserved)), r_high), reserved + CONTEXT_GIB)


def doubt_gib(group: str, reserved: Any, allocated: Any, standing_bytes: float) -> Any:
    """The part of a reserved figure that the measured errors of its group are a share of.

    LoRA and QLoRA: the slack, since what tensors take is known within a percent or two, and a hundredth of the whole. Full: all that does not
    always stand, since states and gradients settle among the activations' segments in the first step, and any of it may have to be asked for
    anew. Lengths that vary: the whole.
    """
    if group == "constant, adapters":
        return reserved - allocated + LEAST_BAND * reserved
    return reserved - standing_bytes / GIB if group == "constant, full" else reserved


def reserved_gib(
    options: Options, peaks: Mapping[str, Any], room_gib: float, factors: Sequence[float], picks: tuple[Pick, Pick] = (max, min)
) -> Any:
    """What the caching allocator takes from the card: started segments, always, and slack beyond live tensors in the forward and backward pass.

    The optimizer's first states settle in the segments that the first step's logits left, and its temporaries in small ones of their own: the
    next forward pass asks for the logits' segments anew, so that they come on top of the optimizer's step.
    A process cannot reserve more than the card has: it gives cached blocks back before it fails, so the slack ends there.
    """
    larger, smaller = picks
    blocks, *each = factors
    slack = peaks["idle"] / GIB + peaks["share"] * sum(map(mul, each, sources(options, peaks)))
    moving, step = larger(peaks["forward"], peaks["backward"]) / GIB, peaks["step"] / GIB
    allocated = larger(moving, step)
    reserved = larger(step + peaks["loss"] / GIB, moving + slack) + blocks
    return larger(allocated, smaller(reserved, larger(room_gib, allocated)))


def sources(options: Options, peaks: Mapping[str, Any]) -> tuple[Any, Any]:
    """What the caching allocator's slack comes from, in GiB, in the order of its factors.

    Blocks above 10 MiB get a segment each and may be split for smaller requests; a request of another size finds no whole one
    (c10/cuda/CUDACachingAllocator.cpp). So it comes from what is freed and asked for in turn: the logits' fp32 copy in older code, which comes
    and goes beside the peak; what recomputed layers take among the kept inputs. What is kept from the forward pass and freed in order leaves
    none. Where lengths vary, each of the loss's tensors has another size from step to step, and all of them count.
    """
    loss = peaks["loss"] if options.dynamic_padding else peaks["copy"]
    return loss / GIB, peaks["moving"] * (options.checkpointing != "none") / GIB


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
    """Rows of reserved memory are scored by what is known of their lengths; those of one length by whether gradients and states of all weights
    stand among the activations' segments (full) or next to none do (LoRA and QLoRA)."""
    if not options.dynamic_padding:
        return "constant, full" if options.method == "full" else "constant, adapters"
    return "dynamic" if options.tokens_per_example is None else "dynamic, mean known"
