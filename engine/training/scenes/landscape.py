"""The loss on the plane through a model's start, LoRA's end and full fine-tuning's end, with both paths projected on it.

The plane is spanned in the space of all weights (compare Li et al. 2018, 1712.09913, who span random ones).
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from engine.adapt import Factors
from engine.catalog.defaults import default_spec
from engine.models import load
from engine.objectives.answers import loss_on
from engine.objectives.rows import make_rows
from engine.training.observe import Run
from engine.training.scenes.keep import keep, snapshots

POINTS = 21
MARGIN = 0.25
"""The plane reaches this share of its width beyond the three points."""


def record(model: str) -> None:
    """Arrays, lengths L2 over all weights: `x` (n,) along LoRA's way, `y` (n,) across it towards full fine-tuning's
    end, `loss` and `forgetting` (n, n) with rows along y, nats; for each method `<method>.path` (t, 3): x, y and the distance from
    the plane, and `<method>.losses` (t, 3): the held-out loss where the path is, on the plane below it, and the step.
    """
    ways, runs = {}, {}
    for method in ("lora", "full"):
        runs[method] = run = Run(default_spec(model, method=method), None, False)
        base, tokenizer = load(model, run.where.dtype)
        ways[method] = snapshots(run, lambda run=run, base=base: weights(run, base))
    rows = make_rows(tokenizer, run.task.heldout, base)
    start, lora, full = ways["lora"][0][1], ways["lora"][-1][1], ways["full"][-1][1]
    along = (lora - start) / (lora - start).norm()
    across = (full - start) - (full - start) @ along * along
    across /= across.norm()

    def loss_at(point: torch.Tensor, kind: list) -> float:
        vector_to_parameters(point, base.parameters())
        return loss_on(base, kind, tokenizer.pad_token_id)

    def place(point: torch.Tensor) -> tuple[float, float, float]:
        x, y = float((point - start) @ along), float((point - start) @ across)
        return x, y, float((point - start - x * along - y * across).norm())

    corners = np.array([place(point)[:2] for point in (start, lora, full)])
    low, high = corners.min(0), corners.max(0)
    x, y = (np.linspace(low[i] - MARGIN * (high - low)[i], high[i] + MARGIN * (high - low)[i], POINTS) for i in (0, 1))
    planes = {
        name: np.array([[loss_at(start + a * along + b * across, kind) for a in x] for b in y], dtype=np.float32)
        for name, kind in (("loss", rows), ("forgetting", run.probe_rows))
    }
    arrays = {"x": x, "y": y, **planes}
    for method, way in ways.items():
        path = np.array([place(point) for _, point in way])
        below = [loss_at(start + a * along + b * across, rows) for a, b, _ in path]
        there = [loss_at(point, rows) for _, point in way]
        arrays[f"{method}.path"] = path
        arrays[f"{method}.losses"] = np.column_stack([there, below, [step for step, _ in way]])
    keep(f"landscape-{model}", [run.spec for run in runs.values()], arrays, run, start_norm=float(start.norm()))


@torch.no_grad()
def weights(run: Run, base: torch.nn.Module) -> torch.Tensor:
    """All weights of the tuned model as one vector, fp32, in the order of the base's parameters."""
    if run.spec.method == "full":
        return parameters_to_vector(run.adaptation.trainable()).detach().clone()
    deltas = {f"{m.name}.weight": m.delta.B @ m.delta.A if isinstance(m.delta, Factors) else m.delta for m in run.adaptation.matrices()}
    return torch.cat([(p.detach().float() + deltas.get(name, 0.0)).flatten() for name, p in base.named_parameters()])
