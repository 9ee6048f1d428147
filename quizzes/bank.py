"""The course's own questions: `bank/*.toml`, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from engine.contracts import SpecError
from quizzes.read import read_pack
from quizzes.schema import PAGES, Pack, Question

FOLDER = Path(__file__).parent / "bank"
_MISCONCEPTIONS = "misconceptions.toml"


class Misconception(NamedTuple):
    """A wrong idea with a name, so that it can be counted and cured."""

    id: str
    name: str
    truth: str


@cache
def misconceptions() -> MappingProxyType[str, Misconception]:
    """Id -> misconception."""
    data = tomllib.loads((FOLDER / _MISCONCEPTIONS).read_text("utf-8"))
    return MappingProxyType({key: Misconception(key, entry["name"], entry["truth"]) for key, entry in data.items()})


@cache
def packs() -> tuple[Pack, ...]:
    """One pack a lesson, in the order of the course. Raises SpecError where a file of the bank is faulty or an id is used twice."""
    files = sorted(path for path in FOLDER.glob("*.toml") if path.name != _MISCONCEPTIONS)
    read = [read_pack(path.read_text("utf-8"), path.name, misconceptions(), PAGES) for path in files]
    return tuple(sorted(read, key=lambda pack: list(PAGES).index(pack.name)))


@cache
def questions() -> MappingProxyType[str, Question]:
    """Id -> question, over all lessons. Raises SpecError for an id that two files share."""
    found: dict[str, Question] = {}
    for pack in packs():
        for question in pack.questions:
            if question.id in found:
                raise SpecError(f"id = {question.id!r} is used by {found[question.id].lesson} and by {pack.name}; give one of them another")
            found[question.id] = question
    return MappingProxyType(found)


def of_lesson(lesson: str) -> tuple[Question, ...]:
    """The questions of one lesson, in the order of its file; empty where it has none yet."""
    return next((pack.questions for pack in packs() if pack.name == lesson), ())
