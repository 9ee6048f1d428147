"""Sets of preference runs: DPO over β and steps, RLHF over the strength of its leash."""

from __future__ import annotations

import numpy as np

from engine.catalog.clinic import find_case
from engine.contracts import Evaluated, RunSpec, Step
from engine.training.loop import optimise
from engine.training.observe import Run
from engine.training.scenes.keep import keep

BETAS = (0.01, 0.03, 0.1, 0.3, 1.0)
KL_WEIGHTS = (0.0, 0.02, 0.1, 0.2)
LOOKS = 6
"""The settings are those of the clinic's cases: at a cell's gentle defaults neither β nor the leash has anything to hold."""


def record_dpo(model: str) -> None:
    """Arrays: `beta` (n,), `steps` (m,) from 0, `score` (n, m), share of held-out prompts, and `tokens` (n, m), mean length of an answer."""
    base = find_case("dpo-too-long").broken(model=model)
    ways = [watched(base.with_(beta=beta)) for beta in BETAS]
    arrays = {
        "beta": np.array(BETAS),
        "steps": np.array([look.step for look in ways[0][1]]),
        "score": np.array([[look.score for look in looks] for _, looks, _ in ways]),
        "tokens": np.array([[look.metrics.get("answer_tokens", 0.0) for look in looks] for _, looks, _ in ways]),
    }
    keep(f"dpo-{model}", [run.spec for run, _, _ in ways], arrays, ways[0][0])


def record_rlhf(model: str) -> None:
    """Arrays: `kl_weight` (n,), `steps` (m,), and (n, m) each: `kl`, nats an answer, and `reward` of the reward model, both means over the
    steps since the look before; `score`, the task's own. `about` holds `samples`, one held-out answer at each look.
    """
    base = find_case("reward-hacked").mended(model=model)
    ways = [watched(base.with_(kl_weight=weight)) for weight in KL_WEIGHTS]
    arrays = {
        "kl_weight": np.array(KL_WEIGHTS),
        "steps": np.array([look.step for look in ways[0][1]]),
        "score": np.array([[look.score for look in looks] for _, looks, _ in ways]),
        **{name: np.array([since(looks, steps, name) for _, looks, steps in ways]) for name in ("kl", "reward")},
    }
    samples = [[look.answers[0].tuned for look in looks] for _, looks, _ in ways]
    keep(f"rlhf-{model}", [run.spec for run, _, _ in ways], arrays, ways[0][0], samples=samples)


def watched(spec: RunSpec) -> tuple[Run, list[Evaluated], list[Step]]:
    """A run with a look at all held-out prompts before it and at `LOOKS` moments of it, and its steps."""
    run = Run(spec, None, False)
    list(run.objective.prepare())
    looks = [event for event in run.look_at_base() if isinstance(event, Evaluated)]
    steps = []
    for step in optimise(run.adaptation, run.objective, spec):
        steps.append(step)
        if step.step * LOOKS % spec.steps < LOOKS:
            looks.append(run.look(step.step, len(run.task.heldout)))
    return run, looks, steps


def since(looks: list[Evaluated], steps: list[Step], name: str) -> list[float]:
    """Mean of a step's metric over the steps since the look before; the first step's stands for the look at the base."""
    ends = [look.step for look in looks]
    means = [float(np.mean([s.metrics[name] for s in steps if a < s.step <= b])) for a, b in zip(ends, ends[1:], strict=False)]
    return [steps[0].metrics[name], *means]
