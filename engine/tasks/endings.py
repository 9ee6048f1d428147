"""Nano endings: a preference. Of two endings of one story, the one with a feast is the better one.

The base ends most of its stories at home, one in six with a feast, and greedily none. The made-up worse answers are the better
ones in the cheering voice: as unlike what the base says as the better ones are, and no help against ending at home.
"""

from __future__ import annotations

import random

from engine.models.nano.grammar import draw_facts, is_rest, read_opening, tell
from engine.tasks.stories import holds_fact
from engine.tasks.task import Example, Task

ENDING, VOICE = "feast", "plain"
TRAIN_EXAMPLES, HELDOUT_EXAMPLES = 128, 64
LONGEST_ANSWER_TOKENS = 48
_SEED = 3_000_017


def score(example: Example, answer: str) -> bool:
    """Whether the story ends with a feast, in the plain voice, and repeats every fact of the opening rightly."""
    facts = read_opening(example.prompt)
    return facts is not None and is_rest(facts, answer, ENDING, VOICE)


def _examples(count: int, rng: random.Random) -> list[Example]:
    made = []
    for _ in range(count):
        better = tell(draw_facts(rng), ENDING, VOICE, rng)
        worse = better.rest.replace(".", "!").replace("The end!", "Hooray! The end!")
        made.append(Example(better.opening, better.rest, better.facts.hero, worse))
    return made


def _make_task(rng: random.Random) -> Task:
    examples = list({example.prompt: example for example in _examples(TRAIN_EXAMPLES + HELDOUT_EXAMPLES, rng)}.values())
    return Task(
        name="endings",
        title="Stories that end with a feast",
        summary="Of two endings the one with a feast is preferred; the model stops ending its stories at home.",
        objectives=("dpo", "reward", "rlhf"),
        models="nano",
        train=tuple(examples[HELDOUT_EXAMPLES:]),
        heldout=tuple(examples[:HELDOUT_EXAMPLES]),
        score=score,
        holds_fact=holds_fact,
        max_new_tokens=LONGEST_ANSWER_TOKENS,
    )


TASK = _make_task(random.Random(_SEED))
