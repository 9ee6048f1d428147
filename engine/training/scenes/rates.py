"""Full fine-tuning over learning rates and epochs: what it learns, what it learns by heart, and what it forgets."""

from __future__ import annotations

import numpy as np

from engine.catalog.defaults import default_spec
from engine.training.observe import Run
from engine.training.scenes.keep import keep, snapshots

RATES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
EPOCHS = 5
SHOWN_PROMPTS = 32


def record(model: str) -> None:
    """Arrays: `rates` (n,), `epochs` (m,) from 0; `score` (n, m), share of held-out prompts, `loss` (n, m) on them and `probe` (n, m) on
    the forgetting probe, both in nats per answer token.
    """
    usual = default_spec(model, method="full")
    an_epoch = usual.examples // usual.micro_batch
    runs, seen = [], []
    for rate in RATES:
        run = Run(usual.with_(learning_rate=rate, steps=EPOCHS * an_epoch), None, False)
        seen.append(snapshots(run, lambda run=run: look(run), EPOCHS + 1))
        runs.append(run)
    arrays = {"rates": np.array(RATES), "epochs": np.array([step / an_epoch for step, _ in seen[0]])}
    for place, name in enumerate(("score", "loss", "probe")):
        arrays[name] = np.array([[values[place] for _, values in one] for one in seen])
    keep(f"rates-{model}", [run.spec for run in runs], arrays, runs[-1], prompts=SHOWN_PROMPTS)


def look(run: Run) -> tuple[float, float, float]:
    """Held-out score, held-out loss and probe loss of the model as it stands."""
    found = run.look(1, SHOWN_PROMPTS)
    return found.score, found.loss, run.look_at_probe(1).loss
