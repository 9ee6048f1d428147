"""The committed runs: one folder each, with spec, events, machine, date and the directions of ΔW."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.contracts import Event, RunSpec, event_from_json

FOLDER = Path(__file__).parent / "data"


class Recording(NamedTuple):
    """One run that was made by this engine and committed."""

    name: str
    spec: RunSpec
    events: tuple[Event, ...]
    day: str
    """ISO date on which it ran."""
    machine: dict[str, Any]
    folder: Path
    """Holds `delta/`."""


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them, in the order of their names."""
    return tuple(_read(about.parent) for about in sorted(FOLDER.glob("*/run.json")))


def find_recording(model: str, task: str, method: str, objective: str = "sft") -> Recording | None:
    """The recorded run of a cell, or None."""
    wanted = (model, task, method, objective)
    return next((r for r in recordings() if (r.spec.model, r.spec.task, r.spec.method, r.spec.objective) == wanted), None)


def _read(folder: Path) -> Recording:
    about = json.loads((folder / "run.json").read_text("utf-8"))
    lines = (folder / "events.jsonl").read_text("utf-8").splitlines()
    events = tuple(event_from_json(line) for line in lines)
    return Recording(folder.name, RunSpec.from_dict(about["spec"]), events, about["day"], about["machine"], folder)
