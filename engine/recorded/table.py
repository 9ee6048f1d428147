"""The committed results of every cell over its seeds: one line of JSON each, written by `make record`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.contracts import RECIPE, RunSpec

FILE = Path(__file__).parent / "data" / "table.jsonl"
SWEEP = FILE.with_name("sweep.jsonl")
"""The same for five learning rates around each cell's own."""


class ResultRow(NamedTuple):
    """One run's outcome."""

    spec: RunSpec
    result: dict[str, Any]
    """What `result.json` held."""
    recipe: int
    """Version of the recipe that made it; see `engine.contracts.RECIPE`."""
    day: str
    machine: dict[str, Any]


class Spread(NamedTuple):
    """A number over seeds."""

    mean: float
    least: float
    most: float
    seeds: int


@cache
def rows(file: Path = FILE) -> tuple[ResultRow, ...]:
    """All of them, in the order in which they were made."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return tuple(_read(json.loads(line)) for line in lines)


def of_cell(model: str, task: str, method: str, objective: str = "sft") -> tuple[ResultRow, ...]:
    """The rows of one cell, by seed."""
    wanted = (model, task, method, objective)
    found = [row for row in rows() if (row.spec.model, row.spec.task, row.spec.method, row.spec.objective) == wanted]
    return tuple(sorted(found, key=lambda row: row.spec.seed))


def spread(found: Sequence[ResultRow], name: str) -> Spread | None:
    """Mean, least and most of a number of `result.json` over the seeds; None where no row has it."""
    values = [row.result[name] for row in found if row.result.get(name) is not None]
    return Spread(statistics.fmean(values), min(values), max(values), len(values)) if values else None


def _read(data: dict[str, Any]) -> ResultRow:
    return ResultRow(RunSpec.from_dict(data["spec"]), data["result"], data["recipe"], data["day"], data["machine"])


def is_current(row: ResultRow) -> bool:
    """Whether today's recipe made it."""
    return row.recipe == RECIPE
