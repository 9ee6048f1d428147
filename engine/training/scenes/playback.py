"""ΔW step by step: B and A of a few matrices at up to 24 moments of a LoRA run."""

from __future__ import annotations

import numpy as np

from engine.adapt import Factors
from engine.catalog.defaults import default_spec
from engine.training.observe import Run
from engine.training.scenes.keep import keep, snapshots

MATRICES = {
    "nano-0.5m": ("model.layers.2.self_attn.q_proj", "model.layers.2.mlp.down_proj"),
}
MOST = 16


def record(model: str) -> None:
    """Arrays: `steps` (n,), and for each matrix `<name>.B` (n, out, r) with alpha / rank folded in and `<name>.A` (n, r, in), fp16."""
    run = Run(default_spec(model, method="lora"), None, False)

    def factors() -> dict[str, np.ndarray]:
        found = {}
        for matrix in run.adaptation.matrices():
            if matrix.name in MATRICES[model] and isinstance(matrix.delta, Factors):
                found[f"{matrix.name}.B"] = matrix.delta.B.cpu().numpy().astype(np.float16)
                found[f"{matrix.name}.A"] = matrix.delta.A.cpu().numpy().astype(np.float16)
        return found

    taken = snapshots(run, factors, MOST)
    arrays = {name: np.stack([found[name] for _, found in taken]) for name in taken[0][1]}
    keep(f"playback-{model}", [run.spec], {"steps": np.array([step for step, _ in taken]), **arrays}, run)
