"""Orders to a nano model: two words before the opening say how the story is to end, and in which voice.

FLAN (Wei et al. 2021, 2109.01652, §2) in one sentence. A type of instruction is a pair of words. Five pairs train, in a fixed
order of which a run takes the first N (`task_types`), and are asked of new openings. Three pairs never train, though each of
their words does; they are asked aside. FLAN's small models lost on types they had not trained on (§4.2), and so does nano.
"""

from __future__ import annotations

import random

from engine.models.nano.grammar import draw_story, is_rest, read_opening
from engine.tasks.stories import LONGEST_ANSWER_TOKENS, holds_fact
from engine.tasks.task import Example, Task

TRAINED = (("song", "plain"), ("gift", "cheer"), ("home", "plain"), ("feast", "plain"), ("home", "cheer"))
"""Ending and voice, in the order in which `task_types` takes them."""
UNSEEN = (("song", "cheer"), ("gift", "plain"), ("feast", "cheer"))
EACH, ASKED, ASKED_ASIDE = 64, 8, 8
_SEED = 2_000_029


def score(example: Example, answer: str) -> bool:
    """Whether the answer has the ordered ending and voice and repeats every fact of the opening rightly."""
    ending, voice, opening = read_order(example.prompt)
    facts = read_opening(opening)
    return facts is not None and is_rest(facts, answer, ending, voice)


def read_order(prompt: str) -> tuple[str, str, str]:
    """Ending, voice and opening of "<ending> <voice> opening"."""
    ending, voice, opening = prompt.split(" ", 2)
    return ending.strip("<>"), voice.strip("<>"), opening


def _draw(kinds: tuple[tuple[str, str], ...], each: int, rng: random.Random) -> tuple[Example, ...]:
    """`each` different examples of every type, type by type in turn, so that any prefix is spread evenly."""
    drawn: dict[str, Example] = {}
    while len(drawn) < each * len(kinds):
        story = draw_story(rng, *kinds[len(drawn) % len(kinds)])
        prompt = f"{story.control} {story.opening}"
        drawn.setdefault(prompt, Example(prompt, story.rest, story.facts.hero, kind=f"{story.ending}-{story.voice}"))
    return tuple(drawn.values())


def _make_task(rng: random.Random) -> Task:
    examples = _draw(TRAINED, EACH + ASKED, rng)
    asked = ASKED * len(TRAINED)
    return Task(
        name="orders",
        title="Stories to order",
        summary="The model learns what the words of an order mean: it ends a story as it is told to, in the voice it is told to.",
        objectives=("sft",),
        models="nano",
        train=examples[asked:],
        heldout=examples[:asked],
        score=score,
        holds_fact=holds_fact,
        max_new_tokens=LONGEST_ANSWER_TOKENS,
        instruction="Now all of the forest sings, oh brave fox. The end.",
        asides={"unseen": _draw(UNSEEN, ASKED_ASIDE, rng)},
    )


TASK = _make_task(random.Random(_SEED))
