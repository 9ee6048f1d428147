"""A run as a learner has it: from the click to the first step, to the end, and from Cancel to the word; with what it learned.

Through the queue, with a worker that stands by, in a data folder of its own: the first run of a task also looks at its base, later ones
find that look kept.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.contracts import RunSpec
from engine.home import data_home
from lessons.catalog import LESSONS, page_of
from tests.bench.row import Row

SMOL, NANO = "smollm2-135m-instruct", "nano-0.5m"
SEEDS = (0, 1, 2)
STANDING_BY_SECONDS = 12.0
"""A worker imports its libraries while a learner reads; so long it may."""
CELLS = (
    ("pirate", "full", "sft"), ("pirate", "lora", "sft"), ("pirate", "qlora", "sft"), ("pirate", "prompt", "sft"), ("pirate", "prefix", "sft"),
    ("sentiment", "head", "classify"), ("instructions", "lora", "sft"), ("brief", "lora", "dpo"), ("brief", "lora", "reward"), ("brief", "lora", "rlhf"),
    ("stories", "full", "sft"), ("stories", "lora", "sft"), ("stories", "qlora", "sft"), ("stories", "prompt", "sft"), ("stories", "prefix", "sft"),
    ("story-mood", "head", "classify"), ("orders", "lora", "sft"), ("endings", "lora", "dpo"), ("endings", "lora", "reward"), ("endings", "lora", "rlhf"),
)  # fmt: skip
"""What the run panels of the lessons offer first."""


class Taken:
    """Seconds since the click of one run."""

    def __init__(self, spec: RunSpec) -> None:
        began = time.perf_counter()
        self.run_id = jobs.submit(spec, anew=True)
        self.first_step = math.nan
        while jobs.status(self.run_id).live:
            if math.isnan(self.first_step) and stepped(self.run_id):
                self.first_step = time.perf_counter() - began
            time.sleep(0.02)
        self.done = time.perf_counter() - began
        self.result = jobs.status(self.run_id).result or {}


def stepped(run_id: str) -> bool:
    return any(event.event == "step" for _, event in jobs.events(run_id))


def measure() -> Iterator[Row]:
    """Rows: the two default runs over three seeds, cancel, and every cell that a lesson offers."""
    models = data_home() / "models"
    with tempfile.TemporaryDirectory() as home:
        os.environ["DELTALAB_HOME"] = home
        (Path(home) / "models").mkdir()
        for model in models.glob("[!.]*"):
            (Path(home) / "models" / model.name).symlink_to(model)
        jobs.ensure_supervisor()
        try:
            yield from _defaults(NANO, "stories", 1.0, 5.0)
            yield from _defaults(SMOL, "pirate", 3.0, 60.0)
            yield _cancelled()
            yield from _cells()
        finally:
            jobs.stop_supervisor()


def _defaults(model: str, task: str, first_goal: float, done_goal: float) -> Iterator[Row]:
    for seed in SEEDS:
        time.sleep(STANDING_BY_SECONDS)
        run = Taken(default_spec(model, task, "lora", seed=seed))
        yield Row(f"{model}, LoRA, {task}, seed {seed}: click to first step", f"{run.first_step:.2f} s", f"goal <= {first_goal:g} s")
        yield Row("  click to done", f"{run.done:.1f} s", f"goal <= {done_goal:g} s")
        gained = 100 * (run.result["score_after"] - run.result["score_before"])
        lost = 100 * (run.result["fact_score_before"] - run.result["fact_score_after"])
        yield Row(
            "  held-out score gained, key facts lost", f"{gained:.0f}, {lost:.0f} points", "goal >= 70, <= 10" if model == SMOL else ""
        )


def _cancelled() -> Row:
    time.sleep(STANDING_BY_SECONDS)
    run_id = jobs.submit(default_spec(SMOL, "pirate", "lora", seed=9))
    while not stepped(run_id):
        time.sleep(0.02)
    began = time.perf_counter()
    jobs.cancel(run_id)
    while jobs.status(run_id).live:
        time.sleep(0.01)
    return Row("SmolLM2: cancel to cancelled", f"{time.perf_counter() - began:.2f} s", "goal <= 1 s")


def _cells() -> Iterator[Row]:
    titles = {page.path: page.title for page in LESSONS}
    for task, method, objective in CELLS:
        model, goal = (NANO, 10) if task in ("stories", "story-mood", "orders", "endings") else (SMOL, 120)
        time.sleep(STANDING_BY_SECONDS / 2)
        run = Taken(default_spec(model, task, method, objective=objective))
        lesson = titles[page_of(method, objective, task).path]
        scores = f"{run.result.get('score_before', 0):.2f} -> {run.result.get('score_after', 0):.2f}"
        yield Row(f"{lesson}: {model}, {task}, {method}, {objective}: {scores}", f"{run.done:.1f} s", f"goal <= {goal} s")
