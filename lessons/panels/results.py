"""Tables of what was measured: cells of the recorded table over their seeds. A cell that is not recorded is left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.recorded.table import ResultRow, Spread, of_cell, spread
from lessons.panels.measured import whole_percent
from lessons.panels.planner_fit import markdown_table
from lessons.text import label
from viz.label import day_text

SMOL = "smollm2-135m-instruct"
LADDER = tuple(f"nano-{size}{twin}" for twin in ("", "-control") for size in ("0.1m", "0.5m", "2m"))
Rows = Sequence[ResultRow]


def score(found: Rows, name: str = "score_after") -> str:
    """Mean over the seeds as a percentage, and the least and the most where they differ."""
    return spread_text(spread(found, name), whole_percent)


def spread_text(values: Spread | None, write: Callable[[float], str]) -> str:
    """A mean with its range; the mean alone where all seeds read alike."""
    if values is None:
        return label("choose.unknown")
    mean, least, most = (write(value) for value in values[:3])
    return mean if least == most else label("results.spread", mean=mean, least=least, most=most)


def before_after(found: Rows, name: str) -> str:
    """Two means of losses in nats, such as held-out or probe loss."""
    before, after = spread(found, f"{name}_before"), spread(found, f"{name}_after")
    if before is None or after is None:
        return label("choose.unknown")
    return label("results.change", before=f"{before.mean:.2f}", after=f"{after.mean:.2f}")


def _seconds(found: Rows) -> str:
    return spread_text(spread(found, "seconds"), lambda value: f"{value:.0f}")


def _trained(found: Rows) -> str:
    return f"{found[0].result['trainable_params']:,}"


COLUMNS: dict[str, Callable[[Rows], str]] = {
    "score": score,
    "loss": lambda found: before_after(found, "loss"),
    "probe": lambda found: before_after(found, "forgetting"),
    "trained": _trained,
    "seconds": _seconds,
}


def methods_table(model: str, task: str, methods: Sequence[str], columns: Sequence[str], objective: str = "sft") -> None:
    """One row a method."""
    cells = {method: of_cell(model, task, method, objective) for method in methods}
    _table(
        [
            {label("choose.method"): label(f"methods.{method}"), **{label(f"results.{name}"): COLUMNS[name](found) for name in columns}}
            for method, found in cells.items()
            if found
        ],
        cells,
        model,
    )


def ladder_table(task: str, methods: Sequence[str]) -> None:
    """The scores of methods on the plain nano models and on their twins that were taught to be steered."""
    cells = {(model, method): of_cell(model, task, method) for model in LADDER for method in methods}
    rows = [
        {
            label("choose.model"): MODELS[model].title,
            **{label(f"methods.{method}"): score(cells[model, method]) for method in methods},
        }
        for model in LADDER
    ]
    _table(rows, cells, task)


def _table(rows: list[dict[str, str]], cells: Mapping[object, Rows], what: str) -> None:
    found = [row for rows_ in cells.values() for row in rows_]
    if found:
        markdown_table(rows)
        st.caption(truth_of_rows(found, what))


def truth_of_rows(found: Rows, what: str) -> str:
    """The line under a table of the recorded cells."""
    return truth(what, {row.day for row in found}, {row.spec.seed for row in found}, [row.machine for row in found])


def truth(what: str, days: Iterable[str], seeds: Collection[int], machines: Iterable[Mapping[str, Any]]) -> str:
    """One line under a table: recorded, of which model or task, when, over how many seeds, on which machines."""
    found = sorted(days)
    ends = dict.fromkeys((found[0], found[-1]))
    return label(
        "results.truth",
        what=MODELS[what].title if what in MODELS else TASKS[what].title,
        days=" – ".join(day_text(date.fromisoformat(day)) for day in ends),
        seeds=label("results.mean_of", seeds=len(seeds)) if len(seeds) > 1 else label("results.one_seed", seed=min(seeds)),
        machine=", ".join(sorted({machine.get("gpu", machine["processor"]) for machine in machines})),
    )
