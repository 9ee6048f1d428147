"""The functional rank test as a recorded scene: full ΔW cut to rank r, and LoRA trained at r."""

from __future__ import annotations

import numpy as np

from engine.catalog.defaults import default_spec
from engine.training.observe import Run
from engine.training.rank_test import lora_beside, rank_test
from engine.training.scenes.keep import keep

RANKS = (1, 2, 4, 8, 16, 32)


def record(model: str) -> None:
    """Arrays, a row for each rank: `ranks` (n,), of the cuts 0 first; `cut` (n, 3): score, held-out loss in nats per answer token,
    share of ‖ΔW‖² kept; `trained` (n - 1, 2): LoRA's score and loss at each rank but 0; `whole` (2,): full fine-tuning's.
    """
    spec = default_spec(model, method="full", eval_every=0)
    rows = rank_test(spec, RANKS)
    cut = np.array([(row.score, row.loss, row.energy) for row in rows if row.kind == "cut"], dtype=np.float32)
    trained = np.array([(row.score, row.loss) for row in rows if row.kind == "trained"], dtype=np.float32)
    whole = next(np.array([row.score, row.loss], dtype=np.float32) for row in rows if row.kind == "whole")
    specs = [spec, *(lora_beside(spec, rank) for rank in RANKS)]
    keep(f"ranks-{model}", specs, {"ranks": np.array((0, *RANKS)), "cut": cut, "trained": trained, "whole": whole}, Run(spec, None, False))
