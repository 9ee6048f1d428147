"""Measurements and traces that the calculator misses, each with the reason where one is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.planner.answer import answer, arch_of
from engine.planner.calibrate import Steady, Timed, allocated, relative, speed_error, speed_ratio, steady_error, steady_rows, timed_rows
from engine.planner.clock import constants
from engine.planner.memory import GIB
from engine.planner.rows import Row, rows
from engine.planner.tracefile import ratio, traces


def misses() -> list[dict[str, Any]]:
    """Rows of allocated memory that are off by more than 10%."""
    found = [(row, relative(row, allocated(row))) for row in rows() if row.measure == "allocated"]
    return [_line(row.id, error, _allocated(row)) for row, error in found if abs(error) > 0.10]


def _allocated(row: Row) -> str:
    if row.id.startswith("fsdpq"):
        return "the notebook may hold a second model, and takes no optimizer step"
    if row.source.startswith("Lightning-AI") and row.method == "qlora":
        return "bitsandbytes 0.41 inside litgpt keeps more for the backward pass than its code says"
    if row.source.startswith("Lightning-AI"):
        return "another training program than the one the formulas follow"
    return "not explained"


def reserved_misses() -> list[dict[str, Any]]:
    """Rows of reserved memory that are off by more than 10%: with changing lengths, and with one length."""
    changing = [(row, relative(row, answer(row.options).reserve.reserved_gib)) for row in rows() if row.measure == "reserved"]
    still = [(case, steady_error(case)) for case in steady_rows()]
    return [_line(row.id, error, _changing(row)) for row, error in changing if abs(error) > 0.10] + [
        _line(f"{case.id}, reserved", error, _still(case)) for case, error in still if abs(error) > 0.10
    ]


def _changing(row: Row) -> str:
    o = row.options
    if o.tokens_per_example and o.seq_len > 2 * o.tokens_per_example:
        return "lengths are cut at 8,192, but the texts have 3,234 +- 2,547 tokens: the few that reach it add blocks of which their mean says nothing"
    if o.micro_batch > 1:
        each = [(other.options.micro_batch, _slack(other)) for other in rows() if replace(other.options, micro_batch=o.micro_batch) == o]
        shares = ", ".join(f"{share:.1f} times with {batch}" for batch, share in sorted(dict(each).items()) if batch <= o.micro_batch)
        return f"rows are padded to the longest of a batch, which varies less than one row: slack over logits and loss is {shares}"
    if o.checkpointing == "none":
        said = answer(replace(o, attention="eager")).reserve.reserved_gib
        return f"the source does not say which attention ran; with scores that are written out {said:.1f} GiB would be said for {row.measured_gib:.1f}"
    return "not explained; one factor is set for all batches and lengths"


def _slack(row: Row) -> float:
    """What is reserved beyond live tensors, over the most that logits and loss take."""
    found = answer(row.options)
    return float((row.measured_gib - found.reserve.allocated_gib) * GIB / found.estimate.loss_bytes)


def _still(case: Steady) -> str:
    found = answer(case.options)
    if found.reserve.reserved_gib > 0.97 * found.gpu.usable_gib > case.reserved_gib:
        wanted = (found.estimate.phase_peaks_bytes["step"] + found.estimate.loss_bytes) / GIB
        return (
            f"step and logits together want {wanted:.1f} GiB of the card's {found.gpu.usable_gib:.1f}, before any slack: the allocator gives cached blocks back "
            "when a request fails, and what it holds then depends on when that was"
        )
    plain = _twin(case, software="hf")
    if plain is not None:
        less = (answer(plain.options).estimate.peak_bytes - found.estimate.peak_bytes) / _logits(case)
        return (
            f"reserved {case.reserved_gib:.1f} GiB, as the same run without Triton kernels did ({plain.reserved_gib:.1f}), though at its peak {less:.1f} "
            "bytes a logit less are alive: the kernels save a copy at the peak, and its segment is there from another moment"
        )
    fused = _twin(case, logits="fused")
    if fused is not None:
        more = (case.reserved_gib - fused.reserved_gib) * GIB / _logits(case)
        return (
            f"reserved {more:.1f} bytes a logit more than the same run with linear and loss in one, at the same peak of live tensors: "
            f"as of two fp32 copies, of which the shared factor counts {constants()['fragmentation']['constant'][1]:.1f}"
        )
    return "not explained"


def _twin(case: Steady, **changes: Any) -> Steady | None:
    """A published row of the same question but for one thing."""
    if case.options.software != "hf-triton" or case.options.logits == "fused":
        return None
    wanted = replace(case.options, **changes)
    return next((other for other in steady_rows() if other.options == wanted), None)


def _logits(case: Steady) -> int:
    return case.options.micro_batch * case.options.seq_len * arch_of(case.options).vocab


def speed_misses() -> list[dict[str, Any]]:
    """Rows of published speed that are more than 25% off the stated middle."""
    found = [(case, speed_error(case)) for case in timed_rows()]
    return [_line(case.id, error, _speed(case)) for case, error in found if abs(error) > 0.25]


def _speed(case: Timed) -> str:
    alone = speed_ratio(case, constants()["pace"]["factors"])
    if case.options.gpus > 1 and case.options.micro_batch == 2:
        return (
            f"{case.seconds * (1 - alone):.1f} s of each step of {case.seconds:.1f} s are not work of the card; with 4 texts a card it is less, as where "
            "cards wait for the processor, of which the source says nothing"
        )
    return "not explained"


def trace_misses() -> list[dict[str, Any]]:
    """Traces that the sum misses by more than 2%."""
    found = [(trace, ratio(trace) - 1) for trace in traces()]
    reason = "a model of 1.6 MB: the allocator rounds each of its 88 tensors up to a multiple of 512 bytes, 20 kB in all"
    return [
        _line(f"trace {t['seed']} ({t['family']})", error, reason if t["peak_bytes"] < 4e6 else "not explained")
        for t, error in found
        if abs(error) > 0.02
    ]


def _line(name: str, error: float, reason: str) -> dict[str, Any]:
    return {"id": name, "error_percent": round(100 * error, 1), "reason": reason}
