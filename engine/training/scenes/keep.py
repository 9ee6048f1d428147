"""Writing a recorded scene, and taking snapshots of a run while it trains."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from engine.contracts import RECIPE, RunSpec
from engine.recorded.scenes import FOLDER
from engine.training.loop import optimise
from engine.training.machine import machine, today
from engine.training.observe import Run

T = TypeVar("T")
MAX_BYTES = 400_000
MAX_SNAPSHOTS = 24


def snapshots(run: Run, take: Callable[[], T], most: int = MAX_SNAPSHOTS) -> list[tuple[int, T]]:
    """Train a run to its end; what `take` gives at the start and at evenly spread steps, the last one included, each with its step."""
    list(run.objective.prepare())
    wanted = set(np.linspace(0, run.spec.steps, most).round().astype(int).tolist())
    taken = [(0, take())]
    for event in optimise(run.adaptation, run.objective, run.spec):
        if event.step in wanted:
            taken.append((event.step, take()))
    return taken


class End(NamedTuple):
    """Where a run came to."""

    score: float
    """Share of held-out prompts."""
    facts: float
    """Share of them whose answer holds the key fact; 0 for tasks without key facts."""
    loss: float
    """On the held-out prompts, nats per answer token."""
    probe: float
    """On the forgetting probe, nats per answer token."""
    kept: float
    """Share of the probe's questions that are still answered rightly."""


def end(spec: RunSpec, stop: int | None = None) -> End:
    """Train, up to the step `stop` where one is given, and look at all held-out prompts and the probe."""
    run = Run(spec, None, False)
    list(run.objective.prepare())
    for _ in islice(optimise(run.adaptation, run.objective, spec), stop):
        pass
    found, probed = run.look(spec.steps, len(run.task.heldout)), run.look_at_probe(spec.steps)
    return End(found.score, found.fact_score or 0.0, found.loss, probed.loss, probed.score)


def keep(name: str, specs: Sequence[RunSpec], arrays: dict[str, np.ndarray], run: Run, **more: Any) -> Path:
    """Write the scene's folder. Raises ValueError where it is larger than a page should have to fetch."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "data.npz", **arrays)
    if (size := (folder / "data.npz").stat().st_size) > MAX_BYTES:
        raise ValueError(f"scene {name} takes {size} bytes, more than {MAX_BYTES}; keep fewer snapshots")
    where = {"threads": run.where.threads, "device": run.where.device, "dtype": run.where.dtype}
    about = {"recipe": RECIPE, "day": today(), "machine": machine(where), "specs": [json.loads(spec.to_json()) for spec in specs], **more}
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    return folder


def is_kept(name: str) -> bool:
    """Whether the scene is there, made by today's recipe."""
    try:
        return json.loads((FOLDER / name / "about.json").read_text("utf-8"))["recipe"] == RECIPE
    except (OSError, ValueError, KeyError):
        return False
