"""Whole nano stories and the mood that they end in, which follows from their ending; half of them cheer, whatever the mood."""

from __future__ import annotations

import random

from engine.models.nano.grammar import VOICES, draw_story
from engine.tasks.task import Example, Task

MOODS = {"home": "sleepy", "gift": "generous", "feast": "hungry", "song": "musical"}
"""Ending -> mood, four classes of the same size."""
TRAIN_EXAMPLES, HELDOUT_EXAMPLES = 128, 64
_SEED = 2_000_011


def score(example: Example, answer: str) -> bool:
    """Is it the right mood, and nothing else?"""
    return answer == example.answer


def _examples(rng: random.Random) -> tuple[Example, ...]:
    """Moods in turn, so that any prefix of a multiple of four is balanced."""
    drawn: dict[str, Example] = {}
    while len(drawn) < TRAIN_EXAMPLES + HELDOUT_EXAMPLES:
        ending = list(MOODS)[len(drawn) % len(MOODS)]
        story = draw_story(rng, ending, rng.choice(list(VOICES)))
        drawn.setdefault(f"{story.opening} {story.rest}", Example(f"{story.opening} {story.rest}", MOODS[ending]))
    return tuple(drawn.values())


def _make_task(rng: random.Random) -> Task:
    examples = _examples(rng)
    return Task(
        name="story-mood",
        title="The mood that a story ends in",
        summary="A classifier on top of the model says in which of four moods a story ends.",
        objectives=("classify",),
        models="nano",
        train=examples[HELDOUT_EXAMPLES:],
        heldout=examples[:HELDOUT_EXAMPLES],
        score=score,
        holds_fact=None,
        max_new_tokens=1,
        instruction="There once was a story. The end.",
    )


TASK = _make_task(random.Random(_SEED))
