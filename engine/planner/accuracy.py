"""How wrong the calculator is, per method, against published rows and traces: `python -m engine.planner.accuracy [--write]`.

`--write` sets the constants anew (constants.json) and writes the table that the page shows (accuracy.json). Constants that come
from rows are set on every second model and scored on the others; what is printed as "held out" never saw the row it scores.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.planner.allocator import error_group, lengths_group
from engine.planner.answer import answer, arch_of
from engine.planner.calibrate import (
    allocated,
    best_slack,
    beyond,
    doubted,
    kept_by_several,
    own_halves,
    own_models,
    pace_factors,
    relative,
    reserved_with,
    set_constants,
    shortest_band,
    slack_factors,
    speed_error,
    steady_bands,
    steady_rows,
    timed_rows,
    write,
)
from engine.planner.misses import misses, reserved_misses, speed_misses, trace_misses
from engine.planner.options import Options, read_options
from engine.planner.rivals import llama_factory_gib
from engine.planner.rows import Row, rows
from engine.planner.tracefile import compare

_HERE = Path(__file__).parent
METHODS = ("full", "lora", "qlora")


class Score(NamedTuple):
    """Relative errors of one group of rows."""

    group: str
    rows: int
    mean_percent: float
    p90_percent: float
    bias_percent: float
    covered_percent: float | None
    """Rows whose measurement lies in the stated 90% interval."""
    width_percent: float | None = None
    """Mean of that interval's width over what is said."""


def score(group: str, errors: Sequence[float], covered: Sequence[bool] = (), widths: Sequence[float] = ()) -> Score:
    """Mean and 90th percentile of the absolute error, and bias, in percent."""
    values = np.array(errors)
    p90 = float(np.percentile(np.abs(values), 90))
    share, width = (round(100 * float(np.mean(each)), 1) if len(each) else None for each in (covered, widths))
    mean, bias = float(np.abs(values).mean()), float(values.mean())
    return Score(group, len(values), round(100 * mean, 2), round(100 * p90, 2), round(100 * bias, 2), share, width)


class Told(NamedTuple):
    """A measurement, what is said to it, and the interval around that; in one unit."""

    truth: float
    said: float
    low: float
    high: float

    @property
    def error_percent(self) -> float:
        return round(100 * (self.said / self.truth - 1), 2)


def told_score(group: str, told: Sequence[Told]) -> Score:
    """Errors, coverage and mean width of intervals."""
    return score(
        group, [t.said / t.truth - 1 for t in told], [t.low <= t.truth <= t.high for t in told], [(t.high - t.low) / t.said for t in told]
    )


def halves(found: Iterable[Row]) -> tuple[set[str], set[str]]:
    """Models in two halves: every second one in the order of their names."""
    names = sorted({row.model for row in found})
    return set(names[::2]), set(names[1::2])


def speed_scores() -> list[Score]:
    """Published tokens per second against the middle of the band: as it is stated, and with all constants set on the other models."""
    found = timed_rows()
    stated: dict[bool, list[float]] = {True: [], False: []}
    unseen: dict[bool, list[float]] = {True: [], False: []}
    for name in sorted({case.model for case in found}):
        known = [case for case in found if case.model != name]
        factors = pace_factors(known)
        kept = kept_by_several(known, factors)
        for case in found:
            if case.model == name:
                alone = case.options.gpus == 1
                stated[alone].append(speed_error(case))
                unseen[alone].append(speed_error(case, factors, kept))
    groups = {
        "tokens per second": stated[True],
        "tokens per second, held-out model": unseen[True],
        "tokens per second, 2 and 4 GPUs": stated[False],
        "tokens per second, 2 and 4 GPUs, held-out model": unseen[False],
    }
    return [score(f"{name} (share within 25%)", errors, [abs(e) <= 0.25 for e in errors]) for name, errors in groups.items()]


def row_scores() -> list[Score]:
    """Errors against published rows, by method and source, with the share of rows inside the stated interval."""
    out = []
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows():
        if row.measure == "allocated" and row.trust == "high":
            groups[f"{row.method}, allocated"].append(row)
            groups[f"{row.method}, allocated, {row.source}"].append(row)
        elif row.measure == "reserved":
            groups["all methods, reserved"].append(row)
            groups[f"{row.method}, reserved"].append(row)
    for name in sorted(groups, key=lambda n: (n.count(","), n)):
        out.append(_row_score(name, groups[name]))
    return [*out, *(_steady_score(f"{method}, one length, reserved", method) for method in METHODS)]


def _steady_score(name: str, method: str) -> Score:
    cases = [case for case in steady_rows() if case.options.method == method]
    return told_score(name, [_told(case.reserved_gib, case.options, "reserved") for case in cases])


def _told(truth: float, options: Options, measure: str) -> Told:
    """`measure`: allocated or reserved."""
    room = answer(options).reserve
    exact = measure == "allocated"
    low, high = room.allocated_interval_gib if exact else room.reserved_interval_gib
    return Told(truth, room.allocated_gib if exact else room.reserved_gib, low, high)


def _row_score(name: str, group: Sequence[Row]) -> Score:
    return told_score(name, [_told(row.measured_gib, row.options, row.measure) for row in group])


def held_out_scores() -> list[Score]:
    """Bands and the slack factor set on some models and scored on the others: on halves, both ways, and leaving out one model at a time."""
    out = []
    for measure in ("allocated", "reserved"):
        group = [row for row in rows() if row.measure == measure and (row.trust == "high" or measure == "reserved")]
        first, second = halves(group)
        out.append(told_score(f"all methods, {measure}, held-out half of the models", [t for _, t in _held_out(group, (first, second))]))
        each = _held_out(group, tuple({name} for name in sorted({row.model for row in group})))
        out.append(told_score(f"all methods, {measure}, held-out model", [told for _, told in each]))
        for method in METHODS:
            out.append(told_score(f"{method}, {measure}, held-out model", [told for row, told in each if row.method == method]))
    still = _steady_held_out()  # `each` are the reserved rows now, whose lengths vary
    every = [*(told for _, told in each), *still]
    return [*out, told_score("one length, reserved, held-out model", still), told_score("all lengths, reserved, held-out model", every)]


def _held_out(group: Sequence[Row], parts: Sequence[set[str]]) -> list[tuple[Row, Told]]:
    """Each row with what is said to it, where neither that nor its band saw the rows of its part."""
    out = []
    for part in parts:
        known, unseen = [r for r in group if r.model not in part], [r for r in group if r.model in part]
        dynamic = group[0].measure == "reserved"
        predict = _reserved_with(best_slack(known)) if dynamic else allocated
        for row in unseen:  # bands are set on the groups that they are stated for
            alike = known if dynamic else [r for r in known if _stated_for(r) == _stated_for(row)]
            low, high = shortest_band([beyond(r, predict(r)) for r in alike or known])
            value = predict(row)
            out.append((row, Told(row.measured_gib, value, value * (1 + low), value * (1 + high))))
    return out


def _stated_for(row: Row) -> str:
    return error_group(row.method, row.options.software)


def _reserved_with(factors: Sequence[float]) -> Callable[[Row], float]:
    return lambda row: reserved_with(row.options, factors)


def _steady_held_out() -> list[Told]:
    """Published rows of one length, with factors and bands set on all cases of other models."""
    out = []
    cases = [*steady_rows(), *own_halves()[0]]
    for name in sorted({case.model for case in steady_rows()}):
        known = [case for case in cases if case.model != name]
        factors, bands = slack_factors(known), steady_bands(known)
        for case in steady_rows():
            if case.model == name:
                said, (low, high) = reserved_with(case.options, factors), bands[lengths_group(case.options)]
                doubt = doubted(case.options, said)
                out.append(Told(case.reserved_gib, said, said + low * doubt, said + high * doubt))
    return out


class OwnRow(NamedTuple):
    """A question that this project put to a GPU itself (engine/trace/on_gpu.py), and what the calculator says to it; memory in GiB."""

    id: str
    gpu: str
    method: str
    model: str
    allocated: Told
    reserved: Told
    tokens_per_second: float
    said_tokens_per_second: tuple[float, float] | None


def own_row(line: Mapping[str, Any]) -> OwnRow:
    """The calculator's answer of today to a measured question. No constant of allocated memory was set on these."""
    found = answer(read_options({**line["options"], "gpu": line["gpu"]}))
    told = [_told(line[f"{measure}_gib"], found.options, measure) for measure in ("allocated", "reserved")]
    return OwnRow(
        line["id"], line["gpu"], found.options.method, found.options.model, told[0], told[1], line["tokens_per_second"], found.tokens_per_second
    )  # fmt: skip


def own_rows() -> list[OwnRow]:
    """All that were measured."""
    return [own_row(line) for line in json.loads((_HERE / "on_gpu.json").read_bytes())]


def own_scores() -> list[Score]:
    """Errors on the project's own measurements, by method; the speed is inside where the stated band holds it."""
    found = own_rows()
    out = []
    for measure in ("allocated", "reserved"):
        for method in (*METHODS, "prompt", "prefix"):
            told = [getattr(row, measure) for row in found if row.method == method]
            out.append(told_score(f"{method}, {measure}, measured by this project", told))
    setting = own_models()
    for name, chosen in (("set the band", True), ("set nothing", False)):
        told = [row.reserved for row in found if (row.model in setting) == chosen]
        out.append(told_score(f"reserved, measured by this project, models that {name}", told))
    timed = [(row.tokens_per_second, row.said_tokens_per_second) for row in found if row.said_tokens_per_second]
    told = [Told(value, (low + high) / 2, low, high) for value, (low, high) in timed]
    return [*out, told_score("tokens per second, measured by this project", told)]


def rival_scores() -> list[Score]:
    """The same rows, by a published table of rules of thumb."""
    out = []
    for method in METHODS:
        group = [row for row in rows() if row.measure == "allocated" and row.trust == "high" and row.method == method]
        errors = [relative(row, llama_factory_gib(method, arch_of(row.options).total_params)) for row in group]
        out.append(score(f"{method}, rule-of-thumb table", errors))
    kept = _HERE / "rivals.json"  # made by tests/bench/calculators.py, where the other calculator is installed
    return out + [Score(**line) for line in json.loads(kept.read_bytes())] if kept.exists() else out


def report() -> dict[str, Any]:
    """All scores, as the page shows them."""
    return {
        "rows": [s._asdict() for s in row_scores()],
        "held_out": [s._asdict() for s in held_out_scores()],
        "own": [s._asdict() for s in own_scores()],
        "speed": [s._asdict() for s in speed_scores()],
        "others": [s._asdict() for s in rival_scores()],
        "traces": compare(),
        "no_published_rows": ["prompt", "prefix", "head", "DPO, reward and RLHF", "memory of several GPUs", "offload"],
        "misses": misses() + reserved_misses() + speed_misses() + trace_misses(),
    }


def table(found: dict[str, Any]) -> str:
    """The report as text."""
    lines = [f"{'group':<66}{'rows':>5}{'mean %':>9}{'p90 %':>9}{'bias %':>9}{'inside %':>10}{'width %':>9}"]
    for part in ("rows", "held_out", "own", "speed", "others"):
        for s in found[part]:
            inside, width = ("" if s[key] is None else f"{s[key]:.1f}" for key in ("covered_percent", "width_percent"))
            errors = f"{s['mean_percent']:>9.2f}{s['p90_percent']:>9.2f}{s['bias_percent']:>9.2f}"
            lines.append(f"{s['group'][:65]:<66}{s['rows']:>5}{errors}{inside:>10}{width:>9}")
    t = found["traces"]
    if t:
        lines.append(
            f"traces: {t['traces']} random questions, within 2%: {t['within_2_percent']:.1f}%, mean {t['mean_percent']:.2f}%, p90 {t['p90_percent']:.2f}%"
        )
    lines.append("no published rows: " + ", ".join(found["no_published_rows"]))
    lines += [f"  miss {m['error_percent']:+.1f}%  {m['id']}: {m['reason']}" for m in found["misses"]]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    if "--write" in argv:
        set_constants()
    found = report()
    if "--write" in argv:
        write("accuracy.json", found)
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
