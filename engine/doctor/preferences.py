"""What went wrong in a run of DPO or RLHF, named from its numbers alone. Losses say little here: log-probabilities and rewards do.

Reads the metrics of a step `margin`, `accuracy` and `chosen_reward` (objectives/dpo.py) or `reward` (objectives/rlhf.py), and of a look
`answer_tokens` and `kl`.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from engine.doctor.signs import LAST_STEPS, Diagnosis, Signs, answers, losses, rate, scores
from engine.doctor.story import Story

RISEN, SEEN = 0.9, 0.1
"""Share of training pairs in the right order that is called learned; rise of the held-out score that can be seen."""
LOST = 0.25
"""Fall of the held-out key facts that is no chance."""
SATISFIED, WIDE = 2.0, 20
"""A margin at which the loss has little left to ask for, its slope σ(-2) being 0.12 of β; a lead of the chosen answers, nats, that is much."""
WORSE, FELL = 1.5, 0.4
"""Held-out loss of the better answers over the base's, and fall of the score from its best look, that are no chance."""
SMOOTH = 5
"""Steps of a median that takes the batches' noise out of a curve."""


def invisible(story: Story, signs: Signs) -> Diagnosis | None:
    """Every training pair is in the right order, and nothing that the model says has changed for the better or the worse."""
    order, margin = _late(story, "accuracy"), _late(story, "margin")
    if order is None or margin is None or order < RISEN or abs(signs.score_after - signs.score_before) >= SEEN:
        return None
    if facts_lost(signs) >= LOST:
        return None
    key = "dpo-too-little" if signs.spec.get("pairs") == "own" else "dpo-invisible"
    return Diagnosis(
        key,
        {
            "steps": str(signs.last.step),
            "rate": rate(signs),
            "accuracy": f"{100 * order:.0f}%",
            "margin": f"{margin:.2f}",
            **answers(signs),
        },
    )


def lost_facts(story: Story, signs: Signs) -> Diagnosis | None:
    """Answers lost what they were to say: trained past the best step, or by a β so small that the margin was never reached."""
    margin, beta = _late(story, "margin"), signs.spec.get("beta")
    if margin is None or not beta:
        return None
    unsatisfied = margin < SATISFIED and margin / beta >= WIDE
    past_best = max(look.score for look in story.looks) - signs.score_after >= SEEN
    if facts_lost(signs) < LOST and not (unsatisfied and past_best):
        return None
    tokens = [f"{look.metrics.get('answer_tokens', float('nan')):.0f}" for look in (signs.base, signs.last)]
    facts = [f"{100 * (look.fact_score or 0):.0f}%" for look in (signs.base, signs.last)]
    values = {"tokens_before": tokens[0], "tokens_after": tokens[1], "facts_before": facts[0], "facts_after": facts[1]}
    values |= {"steps": str(signs.last.step), "rate": rate(signs), "margin": f"{margin:.2f}", "kl": _kl(signs)}
    if unsatisfied:
        return Diagnosis("dpo-beta-small", {**values, "beta": f"{beta:g}", "gap": f"{margin / beta:.0f}"})
    return Diagnosis("dpo-past-best", values)


def chosen_falls(story: Story, signs: Signs) -> Diagnosis | None:
    """The chosen answers get less likely than they were, while the margin goes on rising."""
    beta, margin = signs.spec.get("beta"), _late(story, "margin")
    if not beta or margin is None or signs.spec.get("reference") == "none":
        return None
    gains = [step.metrics["chosen_reward"] / beta for step in story.steps]
    smooth = [median(gains[max(0, at - SMOOTH + 1) : at + 1]) for at in range(len(gains))]
    best = max(smooth)
    if best - smooth[-1] < 1 or margin < median(step.metrics["margin"] for step in story.steps):
        return None
    values = {"best": f"{best:+.1f}", "last": f"{smooth[-1]:+.1f}", "step": str(smooth.index(best) + 1), "margin": f"{margin:.2f}"}
    return Diagnosis("dpo-chosen-falls", values)


def without_reference(story: Story, signs: Signs) -> Diagnosis | None:
    """Before the first step the policy is its own reference, so a margin other than 0 means that there was none, where it is not a saved run."""
    first, beta = story.steps[0].metrics.get("margin"), signs.spec.get("beta")
    elsewhere = signs.spec.get("preference_loss") == "simpo" or signs.spec.get("reference", "").startswith("run:")
    if first is None or not beta or elsewhere or abs(first / beta) < 1:
        return None
    return Diagnosis("dpo-without-reference", {"margin": f"{first:.2f}", **scores(signs)})


def hacked(story: Story, signs: Signs) -> Diagnosis | None:
    """What is rewarded went up; yet the answers that it stood for became less likely, or were found and then lost again."""
    rewards = [step.metrics["reward"] for step in story.steps if "reward" in step.metrics]
    height = max((median(rewards[at : at + LAST_STEPS]) for at in range(1, len(rewards) - LAST_STEPS + 1)), default=None)
    if height is None or height <= rewards[0] or signs.score_after >= 0.5:
        return None
    best = max(look.score for look in story.looks)
    if signs.heldout_after < WORSE * signs.heldout_before and best - signs.score_after < FELL:
        return None
    values = {"first": f"{rewards[0]:.2f}", "height": f"{height:.2f}", "best": f"{100 * best:.0f}%"}
    values |= {"kl": _kl(signs), "weight": f"{signs.spec['kl_weight']:g}"}
    return Diagnosis("reward-hacked", {**values, **losses(signs), **scores(signs)})


PREFERENCES: tuple[Callable[[Story, Signs], Diagnosis | None], ...] = (invisible, lost_facts, chosen_falls, without_reference, hacked)


def facts_lost(signs: Signs) -> float:
    """Fall of the share of held-out answers that hold their key fact."""
    before, after = signs.base.fact_score, signs.last.fact_score
    return before - after if before is not None and after is not None else 0.0


def _kl(signs: Signs) -> str:
    return f"{signs.last.metrics.get('kl', float('nan')):.0f}"


def _late(story: Story, name: str) -> float | None:
    """A metric at the end of training; None where the objective has none of that name."""
    late = [step.metrics[name] for step in story.steps[-LAST_STEPS:] if name in step.metrics]
    return median(late) if late else None
