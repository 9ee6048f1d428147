"""The numbers of a finished run that its diagnoses are made from. Ratios and shares, so that they mean the same for any model."""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

from engine.contracts import Evaluated
from engine.doctor.story import Story

LAST_STEPS = 6
"""Batches are small and their losses jump, so the end of training is the median of this many."""


class Diagnosis(NamedTuple):
    """One thing that a run shows."""

    key: str
    values: dict[str, str]
    """Numbers as text, units included."""
    limit: bool = False
    """True where the method cannot do better, rather than the run was set up wrongly."""


class Signs(NamedTuple):
    """Losses in nats per answer token, unless the objective says otherwise; scores and shares 0 to 1."""

    spec: dict[str, Any]
    """As the run was asked for, without its `fault`: a diagnosis is made from what was measured."""
    train_first: float
    """Loss of the first batch, before anything moved."""
    train_last: float
    heldout_before: float
    heldout_after: float
    heldout_best: float
    """The lowest of all looks, the base's included."""
    score_before: float
    score_after: float
    same: float
    """Share of the answers of the last look that are the base's, word for word."""
    epochs: float
    """How often training saw each of its examples."""
    base: Evaluated
    last: Evaluated
    probe_rise: float | None
    """Rise of the forgetting probe's loss, nats."""
    loss_share: float | None
    """Tokens with loss, as a share of all but the first of each row; None where the run did not count."""


def read_signs(story: Story) -> Signs | None:
    """The signs of a run that took steps and was looked at before and after them; None for any other."""
    base, last, started = story.base, story.latest, story.started
    if base is None or last is None or started is None or not story.steps:
        return None
    spec = {name: value for name, value in started.spec.items() if name != "fault"}
    answers = last.answers or ()
    probes = [probe.loss for probe in sorted(story.probes, key=lambda probe: probe.step)]
    return Signs(
        spec,
        story.steps[0].loss,
        median(step.loss for step in story.steps[-LAST_STEPS:]),
        base.loss,
        last.loss,
        min(look.loss for look in story.looks),
        base.score,
        last.score,
        sum(answer.base == answer.tuned for answer in answers) / len(answers) if answers else 0.0,
        len(story.steps) * spec["micro_batch"] / spec["examples"],
        base,
        last,
        probes[-1] - probes[0] if len(probes) == 2 else None,
        _loss_share(story, spec),
    )


def _loss_share(story: Story, spec: dict[str, Any]) -> float | None:
    """1 when the prompt is trained on too: a row's first token is all that nothing predicts."""
    counted = [step for step in story.steps if "loss_tokens" in step.metrics]
    if not counted or spec["objective"] != "sft":
        return None
    predicted = sum(step.tokens - spec["micro_batch"] for step in counted)
    return sum(step.metrics["loss_tokens"] for step in counted) / predicted


def losses(signs: Signs) -> dict[str, str]:
    """Of training and held-out prompts, before and after, as text."""
    pairs = {"train_first": signs.train_first, "train_last": signs.train_last}
    pairs |= {"heldout_before": signs.heldout_before, "heldout_after": signs.heldout_after}
    return {name: f"{value:.2f}" for name, value in pairs.items()}


def scores(signs: Signs) -> dict[str, str]:
    """Held-out scores as text."""
    return {"before": f"{100 * signs.score_before:.0f}%", "after": f"{100 * signs.score_after:.0f}%"}


def answers(signs: Signs) -> dict[str, str]:
    """How many answers are the base's word for word, with the scores, as text."""
    return {"same": str(round(signs.same * len(signs.last.answers))), "of": str(len(signs.last.answers)), **scores(signs)}


def rate(signs: Signs) -> str:
    """Learning rate as text."""
    return f"{signs.spec['learning_rate']:g}"
