"""From what tensors take (allocated) to what the allocator takes (reserved) and what nvidia-smi shows, with the measured error.

The caching allocator keeps freed blocks; how much more it reserves than the peak of live tensors depends on order and sizes.
The factors are set from rows, and the half widths are the errors measured on rows: both stand in constants.json, with the
rows they come from; accuracy.py makes and scores them.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.planner.clock import constants
from engine.planner.hardware import CONTEXT_GIB
from engine.planner.options import Options


class Reserve(NamedTuple):
    """GiB of one GPU."""

    allocated_gib: float
    allocated_interval_gib: tuple[float, float]
    reserved_gib: float
    reserved_interval_gib: tuple[float, float]
    nvidia_smi_gib: float


def reserve(options: Options, allocated_gib: float, moving_gib: float) -> Reserve:
    """90% intervals from the relative errors measured for the method.

    Args:
        moving_gib: the part of the peak that comes and goes within a step; only this fragments.
    """
    table = constants()
    method = options.method if options.method in ("full", "lora", "qlora") else "lora"
    low, high = table["allocated_error"][method]
    kept = table["fragmentation"]["dynamic" if options.dynamic_padding else "constant"]
    reserved = allocated_gib + kept[0] * moving_gib + kept[1]
    r_low, r_high = table["reserved_error"][method]
    smallest = allocated_gib * (1 + low)
    return Reserve(
        allocated_gib,
        (max(smallest, 0.0), allocated_gib * (1 + high)),
        reserved,
        (max(reserved * (1 + r_low), smallest), reserved * (1 + r_high)),
        reserved + CONTEXT_GIB,
    )
