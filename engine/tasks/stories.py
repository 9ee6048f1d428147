"""Nano stories: the base tells them plainly and ends them at home; the task is to cheer, and to end with a song.

Both are in the grammar that the nano models were pretrained on, each of them rare and both at once in one story of 250.
The probe is no stranger to the task here, as that of the chat models is: nano models know one grammar, so the stories of
the probe share its sentences with those of the task, and differ in their endings and their voice.
The song names six facts of the opening, so a model cannot score by learning a phrase by heart.
"""

from __future__ import annotations

import random

from engine.models.nano.grammar import HEROES, draw_facts, draw_story, is_rest, read_opening, tell
from engine.tasks.task import Example, Probe, Task

ENDING, VOICE = "song", "cheer"
TRAIN_EXAMPLES, HELDOUT_EXAMPLES, PROBE_EXAMPLES = 256, 64, 96
LONGEST_ANSWER_TOKENS = 40
PLAIN_ENDINGS = ("home", "gift", "feast")
ASKED = 16
"""Stories of the probe that the model tells to the end itself."""
_SEED = 2_000_003


def score(example: Example, answer: str) -> bool:
    """Whether the answer cheers, ends with the song and repeats every fact of the opening rightly."""
    facts = read_opening(example.prompt)
    return facts is not None and is_rest(facts, answer, ENDING, VOICE)


def holds_fact(example: Example, answer: str) -> bool:
    """Whether the story stays with its hero: the name is there, and no other hero's."""
    words = set(answer.replace(",", " ").replace(".", " ").replace("!", " ").split())
    return words & set(HEROES) == {example.fact}


def _examples(count: int, rng: random.Random) -> list[Example]:
    stories = [tell(draw_facts(rng), ENDING, VOICE, rng) for _ in range(count)]
    return [Example(story.opening, story.rest, story.facts.hero) for story in stories]


def told_plainly(example: Example, answer: str) -> bool:
    """Whether the answer is a plain story's rest, with any of its three endings, that repeats every fact rightly."""
    facts = read_opening(example.prompt)
    return facts is not None and any(is_rest(facts, answer, ending, "plain") for ending in PLAIN_ENDINGS)


def _probe(rng: random.Random) -> Probe:
    """Stories as the base tells them: the three other endings in turn, in the plain voice."""
    stories = [draw_story(rng, ending, "plain") for _ in range(PROBE_EXAMPLES // 3) for ending in PLAIN_ENDINGS]
    examples = tuple(Example(story.opening, story.rest, story.facts.hero) for story in stories)
    return Probe(examples, examples[:ASKED], told_plainly, LONGEST_ANSWER_TOKENS)


def _make_task(rng: random.Random) -> Task:
    examples = list({example.prompt: example for example in _examples(TRAIN_EXAMPLES + HELDOUT_EXAMPLES, rng)}.values())
    return Task(
        name="stories",
        title="Stories that end with a song",
        summary="The model stops ending its stories at home in a plain voice: it cheers, and ends with a song about the whole story.",
        objectives=("sft",),
        models="nano",
        train=tuple(examples[HELDOUT_EXAMPLES:]),
        heldout=tuple(examples[:HELDOUT_EXAMPLES]),
        score=score,
        holds_fact=holds_fact,
        max_new_tokens=LONGEST_ANSWER_TOKENS,
        instruction="Hooray! Now all of the forest sings, oh brave fox! The end!",
    )


TASK = _make_task(random.Random(_SEED))
PROBE = _probe(random.Random(_SEED + 1))
