"""`plan`: one question in, one answer out, as plain values ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from engine.contracts import SpecError
from engine.planner import clock
from engine.planner.allocator import Reserve, reserve, unmeasured
from engine.planner.arch import Arch
from engine.planner.catalogue import find
from engine.planner.families import read_config
from engine.planner.hardware import Gpu, find_gpu
from engine.planner.memory import GIB, Estimate, estimate
from engine.planner.options import QUANTIZED, Options, read_options
from engine.planner.standing import experts_are_linear, total_count, trainable_count

_STORED = {"fp32": 4, "bf16": 2, "fp16": 2}


class Answer(NamedTuple):
    """Everything that is computed for one question."""

    options: Options
    arch: Arch
    gpu: Gpu
    estimate: Estimate
    reserve: Reserve
    verdict: str
    """fits, tight or exceeds."""
    tokens_per_second: tuple[float, float] | None
    hours: tuple[float, float] | None
    cost_usd: tuple[float, float] | None
    adapter_bytes: int
    checkpoint_bytes: int
    assumed: bool
    """No published rows: the memory intervals are the widest that were measured for any method."""
    speed_assumed: bool
    notes: tuple[str, ...]
    """What the asker should know beside the figures, in sentences."""


def plan(options: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a question given as plain values.

    Raises:
        SpecError: the question cannot be answered; one sentence for each reason.
    """
    return as_json(answer(read_options(options)))


def arch_of(options: Options) -> Arch:
    """The model's sizes, from the catalogue or from the pasted config."""
    return read_config(options.config) if options.config is not None else find(options.model)


def answer(options: Options) -> Answer:
    """Answer a checked question. Raises SpecError where model, length or card do not go together."""
    arch = arch_of(options)
    _check_model(options, arch)
    gpu = find_gpu(options.gpu)
    found = estimate(options, arch)
    room = reserve(options, found, gpu.usable_gib)
    rate = clock.tokens_per_second(options, arch, gpu)
    time = clock.hours(options, rate)
    return Answer(
        options, arch, gpu, found, room, verdict(room.reserved_interval_gib, gpu.usable_gib), rate, time, clock.cost(options, gpu, time),
        adapter_bytes(options, arch), checkpoint_bytes(options, arch), unmeasured(options), clock.speed_band(options, gpu).assumed,
        notes(options, arch, gpu),
    )  # fmt: skip


def notes(options: Options, arch: Arch, gpu: Gpu) -> tuple[str, ...]:
    """Sentences about what was assumed and about what the card or the model cannot do."""
    found = {
        f"{gpu.name} has no bf16: it would compute in fp32, at the speed given here; fp16 weights are for such cards.":
            clock.computes_in(options) == "bf16" and not gpu.has_bf16,
        "The experts of a layer lie in one tensor, which bitsandbytes leaves in 16 bits; only the other matrices are quantized.":
            bool(arch.experts) and options.weights in QUANTIZED and not experts_are_linear(options),
        "No measured memory is published for this kind of question; the interval is the widest that was measured for any method.":
            unmeasured(options),
        "RLHF: half of each sequence is taken as prompt, the rest is written token by token; policy and value model learn one after the other.":
            options.objective == "rlhf",
        "The time counts what is moved to the processor's memory and back, at 50% to 90% of the link's listed rate: an assumption.":
            options.offload != "none",
        "Paged states: the slow end of the speed moves all of them in and out in every step, the fast end leaves them on the card.":
            options.offload == "none" and bool(clock.moved_kinds(options)),
    }  # fmt: skip
    return tuple(sentence for sentence, holds in found.items() if holds)


def _check_model(options: Options, arch: Arch) -> None:
    o, positions = options, arch.positions
    if positions and o.seq_len > positions:
        raise SpecError(f"seq_len={o.seq_len} is above the model's {positions} positions; use at most {positions}")
    if positions and o.seq_len > longest(o, arch):
        raise SpecError(
            f"seq_len={o.seq_len} and virtual_tokens={o.virtual_tokens} together are above the model's {positions} positions; shorten one"
        )
    if arch.encoder_decoder and o.objective in ("dpo", "rlhf"):
        raise SpecError(
            f"objective={o.objective} is not known for {arch.family}, an encoder and a decoder; use sft or classify, or another model"
        )
    if arch.encoder_only and options.objective not in ("classify",):
        raise SpecError(f"objective={options.objective} does not go with {arch.family}, which generates nothing; use classify")
    if arch.encoder_only and options.method in ("prompt", "prefix"):
        raise SpecError(f"method={options.method} does not go with {arch.family}; use lora, head or full")


def longest(options: Options, arch: Arch) -> int:
    """Most tokens of text in a row, after the virtual ones, which take positions too; a million where the model sets no limit."""
    taken = options.virtual_tokens if options.method in ("prompt", "prefix") else 0
    return arch.positions - taken if arch.positions else 1_000_000


def verdict(interval_gib: tuple[float, float], usable_gib: float) -> str:
    """fits: the interval's high end is within the card; exceeds: its low end is not; tight: in between."""
    if interval_gib[1] <= usable_gib:
        return "fits"
    return "exceeds" if interval_gib[0] > usable_gib else "tight"


def adapter_bytes(options: Options, arch: Arch) -> int:
    """What one task leaves on disk: the adapter, or the whole model."""
    if options.method == "full":
        return checkpoint_bytes(options, arch)
    return trainable_count(options, arch) * _STORED[options.trainable_dtype]


def checkpoint_bytes(options: Options, arch: Arch) -> int:
    """The model's own weights on disk, in 16 bits unless it is kept in fp32."""
    return total_count(options, arch) * (4 if options.weights == "fp32" else 2)


def _band(values: tuple[float, float] | None) -> list[float] | None:
    return [float(f"{value:.6g}") for value in values] if values else None


def as_json(a: Answer) -> dict[str, Any]:
    """The command line's object; other programs rely on these names."""
    return {
        "peak_allocated_gib": round(a.reserve.allocated_gib, 6),
        "interval_allocated_gib": [round(v, 6) for v in a.reserve.allocated_interval_gib],
        "peak_reserved_gib": round(a.reserve.reserved_gib, 6),
        "interval_gib": [round(v, 6) for v in a.reserve.reserved_interval_gib],
        "nvidia_smi_gib": round(a.reserve.nvidia_smi_gib, 6),
        "usable_gib": a.gpu.usable_gib,
        "verdict": a.verdict,
        "terms_gib": {name: round(value / GIB, 6) for name, value in a.estimate.terms_bytes.items()},
        "phase": a.estimate.phase,
        "phase_peaks_gib": {name: round(value / GIB, 6) for name, value in a.estimate.phase_peaks_bytes.items()},
        "total_params": a.estimate.standing.total_params,
        "trainable_params": a.estimate.standing.trainable_params,
        "adapter_bytes": a.adapter_bytes,
        "checkpoint_bytes": a.checkpoint_bytes,
        "tokens_per_second": _band(a.tokens_per_second),
        "real_tokens_per_second": _band(real_rate(a)),
        "hours": _band(a.hours),
        "cost_usd": _band(a.cost_usd),
        "gpu": a.gpu.name,
        "assumed": a.assumed,
        "speed_assumed": a.speed_assumed,
        "notes": list(a.notes),
    }


def real_rate(a: Answer) -> tuple[float, float] | None:
    """Tokens of text a second, padding left out; None where speed or the length of the examples is not known."""
    share = a.options.real_share
    return (a.tokens_per_second[0] * share, a.tokens_per_second[1] * share) if share and a.tokens_per_second else None


@lru_cache(maxsize=1024)
def cached_answer(options: Options) -> Answer:
    """The same, remembered; pages ask again on every rerun."""
    return answer(options)
