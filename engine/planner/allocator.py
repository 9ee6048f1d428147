"""From what tensors take (allocated) to what the allocator takes (reserved) and what nvidia-smi shows, with the measured error.

The caching allocator keeps freed blocks; how much more it reserves than the peak of live tensors depends on order and sizes.
The factors are set from rows, and the half widths are the errors measured on rows: both stand in constants.json, with the
rows they come from; accuracy.py makes and scores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from engine.planner.clock import constants
from engine.planner.hardware import CONTEXT_GIB
from engine.planner.memory import GIB, Estimate
from engine.planner.options import Options


class Reserve(NamedTuple):
    """GiB of one GPU: numbers, or arrays of them for many questions."""

    allocated_gib: Any
    allocated_interval_gib: tuple[Any, Any]
    reserved_gib: Any
    reserved_interval_gib: tuple[Any, Any]
    nvidia_smi_gib: Any


def reserve(options: Options, found: Estimate, room_gib: float) -> Reserve:
    """One question's figures, from its estimate."""
    peaks = {name: np.float64(value) for name, value in found.phase_peaks_bytes.items()}
    room = reserve_all(options, peaks, found.standing.always_bytes, room_gib)
    (a_low, a_high), (r_low, r_high) = room.allocated_interval_gib, room.reserved_interval_gib
    reserved = float(room.reserved_gib)
    return Reserve(
        float(room.allocated_gib), (float(a_low), float(a_high)), reserved, (float(r_low), float(r_high)), reserved + CONTEXT_GIB
    )


def reserve_all(options: Options, peaks: Mapping[str, Any], standing: float, room_gib: float) -> Reserve:
    """90% intervals from the relative errors measured for the method, for any number of batches and lengths at once.

    Only what comes and goes in the forward and backward pass fragments; the optimizer's step works on large, equal blocks.
    A process cannot reserve more than the card has: it gives cached blocks back before it fails, so the slack ends there.
    `peaks`: bytes by phase.
    """
    table = constants()
    moving = np.maximum(peaks["forward"], peaks["backward"])
    allocated = np.maximum(moving, peaks["step"]) / GIB
    low, high = band("allocated_error", "" if unmeasured(options) else error_group(options.method, options.software))
    slack = table["fragmentation"]["dynamic" if options.dynamic_padding else "constant"][0]
    reserved = np.maximum(peaks["step"], moving + slack * (moving - standing)) / GIB + table["fragmentation"]["blocks"][0]
    reserved = np.maximum(allocated, np.minimum(reserved, np.maximum(room_gib, allocated)))
    r_low, r_high = band("reserved_error", "" if unmeasured(options) else "dynamic" if options.dynamic_padding else "constant")
    smallest = np.maximum(allocated * (1 + low), 0.0)
    return Reserve(
        allocated,
        (smallest, allocated * (1 + high)),
        reserved,
        (np.maximum(reserved * (1 + r_low), np.minimum(smallest, reserved)), reserved * (1 + r_high)),
        reserved + CONTEXT_GIB,
    )


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
