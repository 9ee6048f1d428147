"""Instructions of many types: what does training on N types of task do for types that were never trained?

FLAN (Wei et al. 2021, 2109.01652, §2) in miniature. Eight types train, in a fixed order of which a run takes the first N
(`task_types`); three types of list task are only ever asked. Every answer is a word or a few, and must match exactly. The examples
are drawn from word lists with a fixed seed; lists, words and wordings of trained and unseen types were written for this file.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.tasks.matching import holds_any
from engine.tasks.task import Example, Task

EACH = 64
"""Training examples of each type, so that one type alone can fill a run."""
ASKED = 10
"""Held-out prompts of each unseen type."""
_SEED = 3_000_017

ANIMALS, COLORS, FOODS, THINGS, REVIEWED = (
    text.split()
    for text in (
        "cat dog horse cow sheep goat lion tiger bear wolf rabbit mouse duck goose eagle owl snake frog fish monkey",
        "red blue green yellow brown black white purple pink gray",
        "bread cheese soup rice cake apple pear banana carrot potato onion salad butter honey sugar pasta",
        "table chair lamp window door book pencil paper clock bottle hammer spoon plate bucket ladder basket candle mirror pillow "
        "blanket carpet bridge street garden river mountain forest island train ship wagon engine wheel button jacket shirt "
        "towel pocket ticket rocket kettle anchor",
        "soup room phone hotel film book meal trip",
    )
)
WORDS = sorted({*ANIMALS, *FOODS, *THINGS})
ODD_PLURALS = frozenset(["sheep", "mouse", "goose", "fish", "wolf", "bread", "rice", "honey", "sugar", "butter"])
OPPOSITES = (
    "hot cold|big small|fast slow|high low|old new|open closed|light dark|hard soft|full empty|rich poor|wet dry|early late|"
    "happy sad|strong weak|clean dirty|loud quiet|near far|deep shallow|thick thin|wide narrow|true false|"
    "first last|inside outside|up down|push pull|win lose|buy sell|day night|begin end|cheap expensive|safe dangerous|tall short|asleep awake"
)
PRAISE = "warm and full of flavor|clean and quiet|a joy to use|better than I hoped|worth every cent|fresh and lovely|quick and friendly|a great choice"
BLAME = "cold and without taste|dirty and loud|a pain to use|worse than I feared|a waste of money|stale and ugly|slow and rude|a bad choice"


def _capitals(rng: random.Random) -> Example:
    word = rng.choice(WORDS)
    return _example("capitals", f"Write this word in capital letters: {word}", word.upper())


def _sentiment(rng: random.Random) -> Example:
    label, said = rng.choice((("positive", PRAISE), ("negative", BLAME)))
    return _example(
        "sentiment", f"Is this review positive or negative? The {rng.choice(REVIEWED)} was {rng.choice(said.split('|'))}.", label
    )


def _color(rng: random.Random) -> Example:
    color = rng.choice(COLORS)
    words = _mixed(rng, [color, *rng.sample(THINGS, 2)])
    return _example("color", f"Which of these is a color: {words}?", color)


def _plural(rng: random.Random) -> Example:
    word = rng.choice([word for word in WORDS if word not in ODD_PLURALS])
    ending = "es" if word.endswith(("s", "x", "sh", "ch", "to")) else "s"
    return _example("plural", f"What is the plural of the word {word}?", word + ending)


def _larger(rng: random.Random) -> Example:
    low, high = sorted(rng.sample(range(10, 100), 2))
    first, second = rng.sample((low, high), 2)
    return _example("larger", f"Which number is larger, {first} or {second}?", str(high))


def _opposite(rng: random.Random) -> Example:
    pair = rng.choice(OPPOSITES.split("|")).split()
    asked, answer = rng.sample(pair, 2)
    return _example("opposite", f"What is the opposite of {asked}?", answer)


def _join(rng: random.Random) -> Example:
    one, two = rng.sample(WORDS, 2)
    return _example("join", f'Join these two words with "and": {one}, {two}', f"{one} and {two}")


def _middle(rng: random.Random) -> Example:
    words = rng.sample(WORDS, 3)
    return _example("middle", f"Say the word in the middle: {', '.join(words)}", words[1])


def _first(rng: random.Random) -> Example:
    words = rng.sample(WORDS, 3)
    return _example("first", f"Here is a list: {', '.join(words)}. Which word comes first?", words[0])


def _last(rng: random.Random) -> Example:
    words = rng.sample(WORDS, 3)
    return _example("last", f"Here is a list: {', '.join(words)}. Which word comes last?", words[2])


def _animal(rng: random.Random) -> Example:
    animal = rng.choice(ANIMALS)
    return _example("animal", f"Find the animal in this list: {_mixed(rng, [animal, *rng.sample(THINGS, 2)])}", animal)


def _example(kind: str, prompt: str, answer: str) -> Example:
    return Example(prompt, answer, answer, kind=kind)


def _mixed(rng: random.Random, words: list[str]) -> str:
    return ", ".join(rng.sample(words, len(words)))


TRAINED: tuple[Callable[[random.Random], Example], ...] = (
    _capitals, _sentiment, _color, _plural, _larger, _opposite, _join, _middle,
)  # fmt: skip
"""In the order in which `task_types` takes them."""
UNSEEN: tuple[Callable[[random.Random], Example], ...] = (_first, _last, _animal)


def _draw(makers: tuple[Callable[[random.Random], Example], ...], each: int, rng: random.Random) -> tuple[Example, ...]:
    """`each` different examples of every type, type by type in turn, so that any prefix is spread evenly."""
    drawn: list[list[Example]] = []
    for make in makers:
        found: dict[str, Example] = {}
        for _ in range(40 * each):
            example = make(rng)
            found.setdefault(example.prompt, example)
        drawn.append(list(found.values())[:each])
        assert len(drawn[-1]) == each, f"{make.__name__} has too few words for {each} examples"
    return tuple(example for turn in zip(*drawn, strict=True) for example in turn)


def score(example: Example, answer: str) -> bool:
    """Is the answer exactly the one wanted? Case counts; a full stop and spaces around it do not."""
    return answer.strip().rstrip(".").rstrip() == example.answer


def holds_fact(example: Example, answer: str) -> bool:
    """Is the wanted answer somewhere in what was said, whatever stands around it?"""
    return example.fact is not None and holds_any(answer, example.fact)


TASK = Task(
    name="instructions",
    title="Instructions of many types",
    summary="The model learns to follow short instructions, and is scored on types of instruction that it never trained on.",
    objectives=("sft",),
    models="chat",
    train=_draw(TRAINED, EACH, random.Random(_SEED)),
    heldout=_draw(UNSEEN, ASKED, random.Random(_SEED + 1)),
    score=score,
    holds_fact=holds_fact,
    max_new_tokens=16,
)
