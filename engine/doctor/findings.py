"""What can be read off a finished run: each finding has a key, and the numbers that its sentence needs.

The words stand in `lessons/text/read/<key>.md`, so that they can be translated; which of them applies is decided here.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.contracts import Evaluated, Probed
from engine.doctor.story import Story

MOVED_POINTS = 0.2
"""A held-out score that rises by less than this share is called unmoved: on 32 prompts it is 6 answers."""
FACTS_LOST = 0.1
BROKEN_FACTS = 0.25
"""A loss of key facts from which on a score that did not rise is no run that did nothing."""
STILL = 0.02
"""Share of itself by which a held-out loss has to move to be called moved."""
ROSE = 1.2
"""Held-out loss over the base's, from which on it is no chance."""
SAME = 0.5
"""Share of answers that are the base's word for word, from which on nobody would notice a change."""
FAR = 0.02
"""Of ‖ΔW‖/‖W‖, from which on the weights did not "hardly" move."""
WITHOUT_DELTA = ("prompt", "prefix", "head")
"""Methods that leave every matrix of the model as it is."""
FORGOT_NATS = 0.25
"""A rise of the probe's loss that shows in answers; see docs/measurements.md."""


class Finding(NamedTuple):
    """One thing that a run shows."""

    key: str
    values: dict[str, str]
    """Numbers as text, units included."""


def findings(story: Story) -> tuple[Finding, ...]:
    """Findings in the order in which they are read; none before the base and the tuned model were looked at."""
    base, last = story.base, story.latest
    if base is None or last is None or not story.steps or story.started is None:
        return ()
    found = [_score(story), _loss(story)]
    if story.started.spec.get("method") not in WITHOUT_DELTA:
        found.append(_drift(story))
    if base.fact_score is not None and last.fact_score is not None:
        key = "facts-lost" if base.fact_score - last.fact_score > FACTS_LOST else "facts-kept"
        found.append(Finding(key, {"before": percent(base.fact_score), "after": percent(last.fact_score)}))
    if len(story.probes) == 2:
        before, after = story.probes[0].loss, story.probes[1].loss
        key = "forgot" if after - before > FORGOT_NATS else "remembered"
        numbers = {"before": f"{before:.2f}", "after": f"{after:.2f}", "items": str(story.probes[0].items)}
        found.append(Finding(key, numbers))
        found += _asked(*story.probes)
    return (*found, _size(story))


def _score(story: Story) -> Finding:
    base, last = story.base, story.latest
    assert base is not None and last is not None
    right = f"{round(last.score * last.prompts)} of {last.prompts}"
    was = f"{round(base.score * base.prompts)} of {base.prompts}"
    return Finding(_score_key(base, last), {"before": was, "after": right, "steps": str(last.step)})


def _score_key(base: Evaluated, last: Evaluated) -> str:
    """A score that stays low may be a run that did nothing, one that went elsewhere, or one that broke the model."""
    if last.score - base.score >= MOVED_POINTS:
        return "learned"
    facts = (base.fact_score or 0) - (last.fact_score or 0)
    if base.score - last.score >= MOVED_POINTS or facts >= BROKEN_FACTS or last.loss > ROSE * base.loss:
        return "broke"
    same = sum(answer.base == answer.tuned for answer in last.answers)
    if last.answers and same < SAME * len(last.answers):
        return "elsewhere"
    return "unmoved"


def _asked(before: Probed, after: Probed) -> list[Finding]:
    """What became of the questions that the probe asks; runs of an older version asked none."""
    if before.score is None or after.score is None:
        return []
    right = [str(round(probe.score * probe.asked)) for probe in (before, after)]
    return [
        Finding(
            "asked-lost" if after.score < before.score else "asked-kept", {"before": right[0], "after": right[1], "asked": str(after.asked)}
        )
    ]


def _loss(story: Story) -> Finding:
    base, last, started = story.base, story.latest, story.started
    assert base is not None and last is not None and started is not None
    train_first, train_last = story.steps[0].loss, story.steps[-1].loss
    numbers = {"train_first": f"{train_first:.2f}", "train_last": f"{train_last:.2f}"}
    numbers |= {"heldout_before": f"{base.loss:.2f}", "heldout_after": f"{last.loss:.2f}"}
    if started.spec.get("objective") == "rlhf":  # its training loss swings around zero: only the held-out one means something
        return Finding("policy-near" if last.loss <= ROSE * base.loss else "policy-astray", numbers)
    if abs(last.loss - base.loss) <= STILL * abs(base.loss):
        return Finding("loss-still", numbers)
    if last.loss < base.loss:
        return Finding("loss-fell", numbers)
    return Finding("loss-rose" if train_last < train_first else "loss-exploded", numbers)


def _drift(story: Story) -> Finding:
    last = story.latest
    assert last is not None
    if last.drift == 0:
        return Finding("drift-none", {})
    share = f"{100 * last.drift:.2g}%" if last.drift < 1 else f"{100 * last.drift:,.0f}%"
    return Finding("drift" if last.drift < FAR else "drift-far", {"share": share, "one_in": f"{1 / last.drift:,.0f}"})


def _size(story: Story) -> Finding:
    started = story.started
    assert started is not None
    share = started.trainable_params / started.total_params
    numbers = {"trained": f"{started.trainable_params:,}", "total": f"{started.total_params:,}", "share": f"{100 * share:.2g}%"}
    numbers |= {"seconds": f"{max(1.0, story.steps[-1].seconds):.0f}", "speed": f"{story.steps[-1].tokens_per_second:,.0f}"}
    return Finding("size-all" if share == 1 else "size-part", numbers)


def percent(share: float) -> str:
    """A share as text without decimals."""
    return f"{100 * share:.0f}%"
