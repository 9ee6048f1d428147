"""DPO on the model's own answers as rejected ones, and on made-up ones: what the training shows, and what the model then says."""

from __future__ import annotations

import numpy as np

from engine.catalog.defaults import default_spec
from engine.training.scenes.keep import keep
from engine.training.scenes.preference import since, watched

PAIRS = ("own", "made-up")
SEEDS = (0, 1, 2)


def record(model: str) -> None:
    """Arrays: `steps` (m,) from 0; (2, seeds, m) each, rows as in `about["pairs"]`: `score`, share of held-out prompts; `margin`, in units of
    the implicit reward, and `accuracy`, share of pairs in order, both of training pairs and means over the steps since the look before.
    """
    ways = [[watched(default_spec(model, "endings", objective="dpo", pairs=pairs, seed=seed)) for seed in SEEDS] for pairs in PAIRS]
    arrays = {
        "steps": np.array([look.step for look in ways[0][0][1]]),
        "score": np.array([[[look.score for look in looks] for _, looks, _ in way] for way in ways]),
        **{name: np.array([[since(looks, steps, name) for _, looks, steps in way] for way in ways]) for name in ("margin", "accuracy")},
    }
    keep(f"pairs-{model}", [run.spec for way in ways for run, _, _ in way], arrays, ways[0][0][0], pairs=PAIRS)
