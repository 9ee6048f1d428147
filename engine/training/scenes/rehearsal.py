"""What mitigates forgetting, side by side: a lower rate, stopping early, and rehearsal of some shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.catalog.defaults import default_spec
from engine.catalog.models import is_nano
from engine.contracts import RunSpec
from engine.training.observe import Run
from engine.training.scenes.keep import End, end, keep

METHODS = ("full", "lora")
SEEDS = (0, 1, 2)


class Way(NamedTuple):
    """One thing to try; the run is as usual in all else."""

    rate: float = 1.0
    """The learning rate, as a multiple of the usual one."""
    steps: float = 1.0
    """Share of the steps after which the run is stopped; the learning rate falls as if it went on."""
    rehearsal: float = 0.0
    """Share of all rows that are old data; the steps and their rows stay as many."""


WAYS = (Way(), Way(rate=0.3), Way(steps=0.5), Way(rehearsal=0.01), Way(rehearsal=0.05), Way(rehearsal=0.25))


def record(model: str) -> None:
    """Arrays of (methods, ways, seeds), in the order of `about["methods"]` and `about["ways"]`: `score` and `facts`, shares of held-out
    prompts, `loss` on them and `probe` on the forgetting probe, both in nats per answer token, and `kept`, the share of the probe's
    questions that are answered rightly; and `before` (5,), the base's, in the order of `about["measures"]`. A nano model takes seconds
    a run, so it gets three seeds.
    """
    seeds = SEEDS if is_nano(model) else SEEDS[:1]
    specs = [[[spec_of(model, method, way, seed) for seed in seeds] for way in WAYS] for method in METHODS]
    ends = np.array(
        [[[end(spec, int(way.steps * spec.steps)) for spec in row] for way, row in zip(WAYS, rows, strict=True)] for rows in specs]
    )
    arrays = {name: ends[..., place] for place, name in enumerate(End._fields)}
    arrays["before"] = np.array(end(specs[0][0][0], 0))
    flat = [spec for rows in specs for row in rows for spec in row]
    keep(
        f"rehearsal-{model}",
        flat,
        arrays,
        Run(flat[0], None, False),
        methods=METHODS,
        ways=[way._asdict() for way in WAYS],
        measures=End._fields,
    )


def spec_of(model: str, method: str, way: Way, seed: int) -> RunSpec:
    usual = default_spec(model, method=method, eval_every=0, seed=seed)
    return usual.with_(learning_rate=float(f"{way.rate * usual.learning_rate:.3g}"), rehearsal=way.rehearsal)
