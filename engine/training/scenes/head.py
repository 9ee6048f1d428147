"""The features of a frozen model, and the weights of its head step by step."""

from __future__ import annotations

import numpy as np

from engine.catalog.defaults import default_spec
from engine.objectives import Classify
from engine.training.observe import Run
from engine.training.scenes.keep import keep, snapshots


def record(model: str) -> None:
    """Arrays: `features` (n, d) fp16 and `classes` (n,) 0 or 1 of the training prompts of the first two labels; `steps` (t,);
    `weights` (t, d) fp32, the head's direction, label 1 minus label 0; `biases` (t,), zeros: the head has none.
    """
    run = Run(default_spec(model, method="head", objective="classify"), None, False)
    objective = run.objective
    assert isinstance(objective, Classify)

    def direction() -> np.ndarray:
        weight = objective.classifier.weight.detach().cpu().numpy()
        return weight[1] - weight[0]

    taken = snapshots(run, direction)
    two = (objective.targets < 2).nonzero()[:, 0].tolist()
    features = objective.features([objective.rows[i] for i in two]).detach().float().cpu().numpy()
    arrays = {
        "features": features.astype(np.float16),
        "classes": objective.targets[two].cpu().numpy(),
        "steps": np.array([step for step, _ in taken]),
        "weights": np.stack([weights for _, weights in taken]).astype(np.float32),
        "biases": np.zeros(len(taken), dtype=np.float32),
    }
    keep(f"head-{model}", [run.spec], arrays, run, labels=objective.labels[:2])
