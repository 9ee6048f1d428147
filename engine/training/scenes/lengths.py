"""Prompt and prefix tuning over the number k of learned positions, each method at its own learning rate."""

from __future__ import annotations

import numpy as np

from engine.catalog.defaults import default_spec
from engine.training.observe import Run
from engine.training.scenes.keep import end, keep

METHODS = ("prompt", "prefix")
LENGTHS = (1, 2, 5, 10, 20, 32)
"""Up to what the context leaves beside the longest row."""
SEEDS = (0, 1, 2)


def record(model: str) -> None:
    """Arrays: `lengths` (n,), k; and (methods, n, seeds) each, in the order of `about["methods"]`: `score`, share of held-out prompts, and
    `loss` on them, nats per answer token.
    """
    specs = [
        [[default_spec(model, "stories", method, virtual_tokens=k, eval_every=0, seed=seed) for seed in SEEDS] for k in LENGTHS]
        for method in METHODS
    ]
    ends = [[[end(spec) for spec in seeds] for seeds in lengths] for lengths in specs]
    arrays = {name: np.array([[[getattr(one, name) for one in seeds] for seeds in way] for way in ends]) for name in ("score", "loss")}
    flat = [spec for lengths in specs for seeds in lengths for spec in seeds]
    keep(f"lengths-{model}", flat, arrays | {"lengths": np.array(LENGTHS)}, Run(flat[0], None, False), methods=METHODS)
