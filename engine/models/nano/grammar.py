"""The story grammar that the nano models speak. Standard library only; the same seed gives the same stories anywhere.

A story has an opening, which names things, and a rest, which must use them again:

    There once was a brave fox named Mira who lived in the forest. One morning Mira found a red kite.    <- opening
    Mira the brave fox showed the red kite to Otto. Then Mira carried the kite back to the forest and fell asleep. The end.

The rest varies in two ways that a reader can see. Its *ending* is one of four, the rarest of which ("song") repeats six
words of the opening. Its *voice* is plain, or cheers: then every sentence ends with an exclamation mark and a hooray
stands before the end. Rare ending and rare voice meet in one story of 250, so a model pretrained on these stories knows
how to do it and never does: that is what the task `stories` teaches it.
"""

from __future__ import annotations

import random
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

_LISTS = {
    name: tuple(words.split()) for name, words in tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8")).items()
}
HEROES, FRIENDS, ADJECTIVES, ANIMALS = (_LISTS[name] for name in ("heroes", "friends", "adjectives", "animals"))
PLACES, COLORS, THINGS, TIMES, FOODS = (_LISTS[name] for name in ("places", "colors", "things", "times", "foods"))

ENDINGS = {"home": 0.45, "gift": 0.35, "feast": 0.16, "song": 0.04}
"""Name -> share of stories."""
VOICES = {"plain": 0.9, "cheer": 0.1}
"""Name -> share of stories."""

PAD, END, UNKNOWN = "<pad>", "<end>", "<unk>"
CONTROLS = tuple(f"<{name}>" for name in (*ENDINGS, *VOICES))
VOCABULARY = (PAD, END, UNKNOWN, *CONTROLS, *(word for words in _LISTS.values() for word in words))
"""Every token, in the order of its id."""


class Facts(NamedTuple):
    """What an opening fixes."""

    adjective: str
    animal: str
    hero: str
    place: str
    time: str
    color: str
    thing: str


class Story(NamedTuple):
    """One story in two pieces, with what decided its look."""

    facts: Facts
    ending: str
    voice: str
    opening: str
    rest: str

    @property
    def control(self) -> str:
        """The two control words that name this story's ending and voice."""
        return f"<{self.ending}> <{self.voice}>"


def draw_facts(rng: random.Random) -> Facts:
    """Facts of one opening, each drawn evenly and on its own."""
    pools = (ADJECTIVES, ANIMALS, HEROES, PLACES, TIMES, COLORS, THINGS)
    return Facts(*(rng.choice(pool) for pool in pools))


def draw_story(rng: random.Random, ending: str | None = None, voice: str | None = None) -> Story:
    """One story; ending and voice are drawn with their shares unless they are given."""
    ending = ending or rng.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    voice = voice or rng.choices(list(VOICES), list(VOICES.values()))[0]
    return tell(draw_facts(rng), ending, voice, rng)


def tell(facts: Facts, ending: str, voice: str, rng: random.Random) -> Story:
    """The story with these facts, ending and voice; friend and food are drawn."""
    friend, food = rng.choice(FRIENDS), rng.choice(FOODS)
    sentences = [_showing(facts, friend), _ending_sentence(facts, ending, friend, food)]
    if voice == "cheer":
        sentences.append("Hooray")
    mark = "!" if voice == "cheer" else "."
    rest = " ".join(f"{sentence}{mark}" for sentence in (*sentences, "The end"))
    return Story(facts, ending, voice, _opening(facts), rest)


def _opening(f: Facts) -> str:
    return f"There once was a {f.adjective} {f.animal} named {f.hero} who lived in the {f.place}. One {f.time} {f.hero} found a {f.color} {f.thing}."


def _showing(f: Facts, friend: str) -> str:
    return f"{f.hero} the {f.adjective} {f.animal} showed the {f.color} {f.thing} to {friend}"


def _ending_sentence(f: Facts, ending: str, friend: str, food: str) -> str:
    return {
        "home": f"Then {f.hero} carried the {f.thing} back to the {f.place} and fell asleep",
        "gift": f"{friend} loved it, so {f.hero} gave the {f.thing} away",
        "feast": f"They sat down in the {f.place} and ate {food} with the {f.adjective} {f.animal}",
        "song": f"Now all of the {f.place} sings, oh {f.adjective} {f.animal}, oh {f.hero}, oh {f.color} {f.thing}",
    }[ending]


_OPENING = re.compile(
    r"There once was a (?P<adjective>\w+) (?P<animal>\w+) named (?P<hero>\w+) who lived in the (?P<place>\w+)\. "
    r"One (?P<time>\w+) (?P=hero) found a (?P<color>\w+) (?P<thing>\w+)\."
)


def read_opening(text: str) -> Facts | None:
    """The facts of an opening, or None when the text is not one."""
    found = _OPENING.fullmatch(text.strip())
    return Facts(**found.groupdict()) if found else None


def is_rest(facts: Facts, text: str, ending: str, voice: str) -> bool:
    """Whether the text is a rest of this ending and voice that repeats every fact rightly.

    Friend and food are free, as long as they are of their kind.
    """
    mark = re.escape("!" if voice == "cheer" else ".")
    friend, food = rf"(?P<friend>{'|'.join(FRIENDS)})", rf"(?:{'|'.join(FOODS)})"
    sentences = [_showing(facts, friend), _ending_sentence(facts, ending, "(?P=friend)", food)]
    if voice == "cheer":
        sentences.append("Hooray")
    pattern = " ".join(sentence + mark for sentence in (*sentences, "The end"))
    return re.fullmatch(pattern, text.strip()) is not None
