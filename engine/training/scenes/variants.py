"""LoRA and three relatives on one task, each at plain LoRA's own learning rate and rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.catalog.defaults import default_spec
from engine.training.observe import Run
from engine.training.scenes.keep import End, end, keep

VARIANTS: dict[str, dict[str, Any]] = {"plain": {}, "rslora": {"scaling": "rslora"}, "dora": {"dora": True}, "pissa": {"init": "pissa"}}
RANKS = (8, 32)
"""rsLoRA's other scale matters where the rank is high."""
SEEDS = (0, 1, 2)


def record(model: str) -> None:
    """Arrays: `ranks` (k,), and (variants, k, seeds) each, rows as in `about["variants"]`: `score`, share of held-out prompts, `loss` on them
    and `probe` on the forgetting probe, both in nats per answer token.
    """
    usual = default_spec(model, method="lora", eval_every=0)
    specs = [[[usual.with_(**change, rank=rank, seed=seed) for seed in SEEDS] for rank in RANKS] for change in VARIANTS.values()]
    ends = np.array([[[end(spec) for spec in seeds] for seeds in ranks] for ranks in specs])
    arrays = {"ranks": np.array(RANKS), **{name: ends[..., End._fields.index(name)] for name in ("score", "loss", "probe")}}
    keep(
        f"variants-{model}",
        [s for ranks in specs for seeds in ranks for s in seeds],
        arrays,
        Run(usual, None, False),
        variants=list(VARIANTS),
    )
