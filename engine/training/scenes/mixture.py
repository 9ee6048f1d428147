"""Instruction mixtures: the score on types of task that were never trained, over the number of trained types and the steps."""

from __future__ import annotations

import numpy as np

from engine.catalog.defaults import default_spec
from engine.contracts import Probed
from engine.training.loop import optimise
from engine.training.observe import Run
from engine.training.scenes.keep import keep

TYPES = (1, 2, 4, 8)
LOOKS = 4


def record(model: str) -> None:
    """Arrays: `types` (n,), `steps` (m,) from 0, `score` (n, m), the share of held-out prompts of unseen types, and `loss` (n, m), nats."""
    runs, scores, losses = [], [], []
    for types in TYPES:
        run = Run(default_spec(model, "instructions", task_types=types), None, False)
        list(run.objective.prepare())
        prompts, every = len(run.task.heldout), run.spec.steps // LOOKS
        looks = [event for event in run.look_at_base() if not isinstance(event, Probed) and event.event == "evaluated"]
        for event in optimise(run.adaptation, run.objective, run.spec):
            if event.step % every == 0:
                looks.append(run.look(event.step, prompts))
        runs.append(run)
        scores.append([look.score for look in looks])
        losses.append([look.loss for look in looks])
    arrays = {
        "types": np.array(TYPES),
        "steps": np.array([look.step for look in looks]),
        "score": np.array(scores),
        "loss": np.array(losses),
    }
    keep(f"mixture-{model}", [run.spec for run in runs], arrays, runs[-1], prompts=prompts)
