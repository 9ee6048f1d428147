"""From what tensors take (allocated) to what the allocator takes (reserved) and what nvidia-smi shows, with the measured error.

The caching allocator keeps freed blocks; how much more it reserves than the peak of live tensors depends on order and sizes.
The factors are set from rows, and the half widths are the errors measured on rows: both stand in constants.json, with the
rows they come from; accuracy.py makes and scores them.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.planner.clock import constants
from engine.planner.hardware import CONTEXT_GIB
from engine.planner.memory import GIB, Estimate
from engine.planner.options import Options


class Reserve(NamedTuple):
    """GiB of one GPU."""

    allocated_gib: float
    allocated_interval_gib: tuple[float, float]
    reserved_gib: float
    reserved_interval_gib: tuple[float, float]
    nvidia_smi_gib: float


def reserve(options: Options, found: Estimate, room_gib: float) -> Reserve:
    """90% intervals from the relative errors measured for the method.

    Only what comes and goes in the forward and backward pass fragments; the optimizer's step works on large, equal blocks.
    A process cannot reserve more than the card has: it gives cached blocks back before it fails, so the slack ends there.
    """
    table = constants()
    method = options.method if options.method in ("full", "lora", "qlora") else "lora"
    allocated = found.peak_bytes / GIB
    low, high = table["allocated_error"][error_group(method, options.software)]
    slack = table["fragmentation"]["dynamic" if options.dynamic_padding else "constant"][0]
    standing = found.standing.always_bytes
    moving = max(found.phase_peaks_bytes["forward"], found.phase_peaks_bytes["backward"])
    reserved = max(found.phase_peaks_bytes["step"], moving + slack * (moving - standing)) / GIB + table["fragmentation"]["blocks"][0]
    reserved = max(allocated, min(reserved, max(room_gib, allocated)))
    r_low, r_high = table["reserved_error"]["dynamic" if options.dynamic_padding else "constant"]
    smallest = max(allocated * (1 + low), 0.0)
    return Reserve(
        allocated,
        (smallest, allocated * (1 + high)),
        reserved,
        (max(reserved * (1 + r_low), min(smallest, reserved)), reserved * (1 + r_high)),
        reserved + CONTEXT_GIB,
    )


def error_group(method: str, software: str) -> str:
    """Rows are scored by method; litgpt, another training program, apart."""
    return f"{method}/litgpt" if software == "litgpt" and method != "full" else method
