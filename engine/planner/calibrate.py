"""Everything that is set from published rows, in one place, with where it comes from: constants.json."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.planner.allocator import LEAST_BAND, band, doubt_gib, error_group, lengths_group, peaks_of, reserved_gib, sources
from engine.planner.answer import answer, arch_of, cached_answer
from engine.planner.clock import card_parts, constants
from engine.planner.hardware import CONTEXT_GIB, find_gpu
from engine.planner.memory import GIB, estimate
from engine.planner.options import Options, read_options
from engine.planner.rows import Row, question, rows

_HERE = Path(__file__).parent


def allocated(row: Row) -> float:
    return estimate(row.options, arch_of(row.options)).peak_bytes / GIB


def relative(row: Row, predicted: float) -> float:
    return predicted / row.measured_gib - 1


def beyond(row: Row, predicted: float) -> float:
    return row.measured_gib / predicted - 1


AGAIN = 0.174
"""Slack of recomputed layers, as a share of what they take: torch's allocator played over 130 questions of 13 models with linear and loss in
one; least squares of relative errors. No measured row set it: all rows that show it alone are of one model."""


def shortest_band(shares: Sequence[float], models: int = 0) -> list[float]:
    """The narrowest band that holds 0 and 90% of the rows, a little widened. `shares`: what was measured less what is said, over what is said,
    or over the part of it that is in doubt.

    How many rows it must hold is the conformal count, ceil(0.9 (n + 1)), which makes it hold 90% of rows that it was not set on
    (Vovk et al. 2005). Below 20 rows that is all of them: so few say no more. `models`, where the rows of one model miss alike: their number takes
    n's place, and as large a share of the rows is held. Below ten models that is all of them.
    """
    found = np.sort(shares)
    count = len(found)
    known = models or count
    inside = min(int(np.ceil(0.9 * (known + 1) / known * count - 1e-9)), count)
    starts = range(count - inside + 1)
    best = min(starts, key=lambda i: max(found[i + inside - 1], LEAST_BAND) - min(found[i], -LEAST_BAND))
    low, high = min(found[best], -LEAST_BAND), max(found[best + inside - 1], LEAST_BAND)
    return [round(float(low) - 0.002, 4), round(float(high) + 0.002, 4)]


def set_constants() -> dict[str, Any]:
    """Everything that is set from rows, in one place, with where it comes from."""
    exact = [row for row in rows() if row.measure == "allocated" and row.trust == "high"]
    dynamic = [row for row in rows() if row.measure == "reserved"]
    timed = timed_rows()
    pace = pace_factors(timed)
    table: dict[str, Any] = {"pace": {"factors": pace}, "speed_error": speed_bands(timed, pace)}
    table["several_cards"] = {"kept": kept_by_several(timed, pace)}
    errors: dict[str, list[float]] = defaultdict(list)
    for row in exact:
        errors[error_group(row.method, row.options.software)].append(beyond(row, allocated(row)))
    table["allocated_error"] = {group: shortest_band(values) for group, values in sorted(errors.items())}
    write("constants.json", {**constants(), **table})
    still = [*steady_rows(), *own_halves()[0]]
    table["fragmentation"] = {"constant": slack_factors(still), "dynamic": best_slack(dynamic)}
    write("constants.json", {**table, "reserved_error": constants()["reserved_error"]})
    table["reserved_error"] = {
        **steady_bands(still),
        "dynamic, mean known": shortest_band([beyond(row, reserved(row)) for row in dynamic]),
        "dynamic": shortest_band([beyond(row, reserved(without_mean(row))) for row in dynamic]),
    }
    table["origin"] = {
        "pace": "throughput.json, A100 80 GB, one card: factors of counted operations over the dense rate and of written bytes over the bandwidth (each is read about twice again); least squares of relative errors",
        "speed_error": "the same rows: measured speed over what is said, less 1; 5th and 95th percentile, at least 15% either way",
        "several_cards": "throughput.json, rows of 2 and 4 cards over the median of one card with that method and model; 5th percentile, median, 95th percentile",  # noqa: E501
        "allocated_error": "measured.json, rows of high trust; the narrowest band of measured over predicted, less 1, that holds ceil(0.9 (n + 1)) of the n rows (all, where they are fewer than 20)",
        "fragmentation": "factors of: one (started segments), the fp32 copy of the logits in older code (dynamic: all of logits and loss), the rest where layers are recomputed (constant: AGAIN in calibrate.py); constant, the first two: least squares of relative errors, none below 0, on measured.json's rows of high trust (nvidia-smi less context) and every second model of on_gpu.json (which to take was seen on all of its rows); dynamic: one factor for the second and third, with the least mean error on rows of reserved memory",  # noqa: E501
        "gpt_bigcode logits": "measured.json, its 8 rows: four logit-sized tensors live at the peak (three with Triton cross-entropy), one more than its code shows",
        "litgpt keeps inputs": "measured.json: growth of memory with batch on three models says that each matrix product keeps its input",
        "reserved_error": "constant: the rows that set the factors, each with factors set on the other models; the narrowest band that holds the share 0.9 (m + 1) / m of the rows of m models (all, where they are fewer than 10); adapters: measured less predicted over the slack and a hundredth of the whole; full: over what does not always stand; dynamic: as allocated_error, on the rows that set the factors, and on the same rows asked without the mean of their lengths",  # noqa: E501
    }
    write("constants.json", table)
    return table


def write(name: str, table: Any) -> None:
    (_HERE / name).write_text(json.dumps(table, indent=1) + "\n")
    constants.cache_clear()
    band.cache_clear()


class Steady(NamedTuple):
    """A question with texts of one length and what the allocator had reserved for it, GiB."""

    id: str
    model: str
    options: Options
    reserved_gib: float


def steady_rows() -> list[Steady]:
    """Published rows: what nvidia-smi showed less the context."""
    found = [row for row in rows() if row.measure == "allocated" and row.trust == "high"]
    return [Steady(row.id, row.model, row.options, row.smi_gib - CONTEXT_GIB) for row in found if row.smi_gib]


def own_halves() -> tuple[list[Steady], list[Steady]]:
    """This project's own rows by model: every second one, and the others, which set nothing."""
    lines = json.loads((_HERE / "on_gpu.json").read_bytes())
    found = [Steady(x["id"], x["options"]["model"], read_options({**x["options"], "gpu": x["gpu"]}), x["reserved_gib"]) for x in lines]
    first = own_models()
    return [case for case in found if case.model in first], [case for case in found if case.model not in first]


def own_models() -> set[str]:
    """The models of on_gpu.json whose reserved memory sets constants."""
    return set(sorted({line["options"]["model"] for line in json.loads((_HERE / "on_gpu.json").read_bytes())})[::2])


def slack_factors(cases: Sequence[Steady]) -> list[float]:
    """Factors of the slack's sources, from all cases whose peak is no optimizer's step and which have not filled the card."""
    lines, truths = [], []
    for case in cases:
        found = cached_answer(case.options)
        peaks = peaks_of(case.options, found.estimate)
        top = max(peaks["forward"], peaks["backward"]) / GIB
        if case.reserved_gib < 0.97 * found.gpu.usable_gib and found.estimate.phase != "step":
            copy, again = sources(case.options, peaks)
            lines.append(np.array([1.0, copy]) / case.reserved_gib)
            truths.append((case.reserved_gib - top - peaks["idle"] / GIB - AGAIN * again) / case.reserved_gib)
    return [*not_negative(np.array(lines), np.array(truths)), AGAIN]


def steady_bands(cases: Sequence[Steady]) -> dict[str, list[float]]:
    """By group, the band around what is said to each model's rows with factors set on the other models (CV+, Barber et al. 2021, 1905.02928)."""
    misses: dict[str, list[float]] = defaultdict(list)
    models: dict[str, set[str]] = defaultdict(set)
    for name in sorted({case.model for case in cases}):
        factors = slack_factors([case for case in cases if case.model != name])
        for case in cases:
            if case.model == name:
                said = reserved_with(case.options, factors)
                group = lengths_group(case.options)
                misses[group].append((case.reserved_gib - said) / doubted(case.options, said))
                models[group].add(name)
    return {group: shortest_band(each, len(models[group])) for group, each in sorted(misses.items())}


def not_negative(lines: NDArray[np.float64], truths: NDArray[np.float64]) -> list[float]:
    """Least squares; columns whose factor would be negative are left out, one round after the other."""
    kept = list(range(lines.shape[1]))
    while True:
        found = np.linalg.lstsq(lines[:, kept], truths, rcond=None)[0]
        if (found >= 0).all():
            break
        kept = [column for column, value in zip(kept, found, strict=True) if value > 0]
    out = [0.0] * lines.shape[1]
    for column, value in zip(kept, found, strict=True):
        out[column] = round(float(value), 3)
    return out


def reserved(row: Row) -> float:
    return float(answer(row.options).reserve.reserved_gib)


def steady_error(case: Steady) -> float:
    return float(answer(case.options).reserve.reserved_gib / case.reserved_gib - 1)


def best_slack(found: Sequence[Row]) -> list[float]:
    """Where lengths vary: the one factor with the least mean error; searched, since the card's size cuts it off."""

    def mean_error(k: float) -> float:
        return float(np.mean([abs(relative(row, reserved_with(row.options, [1.0, k, k]))) for row in found]))

    k = round(float(min(np.arange(0, 3, 0.05), key=mean_error)), 3)
    return [1.0, k, k]


def reserved_with(options: Options, factors: Sequence[float]) -> float:
    """Reserved GiB with factors of one's own."""
    found = cached_answer(options)
    return float(reserved_gib(options, peaks_of(options, found.estimate), found.gpu.usable_gib, factors))


def doubted(options: Options, said_gib: float) -> float:
    """The part of a reserved figure that its band is a share of, GiB."""
    found = cached_answer(options)
    return float(doubt_gib(lengths_group(options), said_gib, found.reserve.allocated_gib, found.estimate.standing.always_bytes))


def without_mean(row: Row) -> Row:
    """The same row where nothing is known of its lengths but the longest."""
    return row._replace(options=replace(row.options, tokens_per_example=None))


class Timed(NamedTuple):
    """A published speed: seconds of one micro-batch, measured and at the card's listed rate and bandwidth."""

    id: str
    model: str
    """The model that was packed, where packed ones were published under names of their own."""
    kind: str
    """Method and program."""
    seconds: float
    parts: tuple[float, float]
    options: Options


@cache
def timed_rows() -> tuple[Timed, ...]:
    """All published rows, of 1, 2 and 4 cards."""
    found = json.loads((_HERE / "throughput.json").read_bytes())["rows"]
    return tuple(_timed({"attention": "flash", "optimizer": "adamw", "lora_targets": "qkvo", **row}) for row in found)


def _timed(row: dict[str, Any]) -> Timed:
    options = replace(read_options(question(row)), gpus=row["n_gpus"])
    parts = card_parts(options, arch_of(options), find_gpu(options.gpu))
    assert parts is not None, row["gpu"]
    seconds = options.micro_batch * options.seq_len / row["tokens_per_second_per_gpu"]
    return Timed(row["id"], options.model, f"{options.method}/{options.software}", seconds, parts, options)


def one_card(cases: Sequence[Timed]) -> list[Timed]:
    return [case for case in cases if case.options.gpus == 1]


def pace_factors(cases: Sequence[Timed]) -> list[float]:
    """What the two counted parts take beyond the card's listed rates: least squares of relative errors over rows of one card."""
    alone = one_card(cases)
    return not_negative(np.array([np.array(case.parts) / case.seconds for case in alone]), np.ones(len(alone)))


def speed_ratio(case: Timed, factors: Sequence[float]) -> float:
    """Measured speed over the one that is said of a card alone."""
    return float(np.dot(factors, case.parts)) / case.seconds


def kept_by_several(cases: Sequence[Timed], factors: Sequence[float]) -> list[float]:
    """What each of several cards keeps of one card's speed: 5th percentile, median, 95th percentile over rows of 2 and 4 cards, each against
    the median of one card with that method, program and model."""
    single: dict[tuple[str, str], list[float]] = defaultdict(list)
    for case in one_card(cases):
        single[case.kind, case.model].append(speed_ratio(case, factors))
    several = [case for case in cases if case.options.gpus > 1]
    shares = [speed_ratio(case, factors) / float(np.median(single[case.kind, case.model])) for case in several]
    return [round(min(float(v), 1.0), 4) for v in np.percentile(shares, [5, 50, 95])]


def speed_error(case: Timed, factors: Sequence[float] | None = None, kept: Sequence[float] | None = None) -> float:
    """The stated middle over the measured speed, less 1; with the stated constants, or with others."""
    share = (kept or constants()["several_cards"]["kept"])[1] if case.options.gpus > 1 else 1.0
    return share / speed_ratio(case, factors or constants()["pace"]["factors"]) - 1


def speed_bands(cases: Sequence[Timed], factors: Sequence[float]) -> dict[str, list[float]]:
    """Measured speed over what is said, less 1, by method: 5th and 95th percentile, and at least 15% either way: few models were measured, and
    rows of one are alike."""
    out = {}
    for method in ("full", "lora", "qlora"):
        low, high = np.percentile([speed_ratio(case, factors) - 1 for case in one_card(cases) if case.options.method == method], [5, 95])
        out[method] = [round(min(float(low), -0.15), 4), round(max(float(high), 0.15), 4)]
    return out
