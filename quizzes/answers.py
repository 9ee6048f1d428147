"""What is kept of each answer, and the two things that a store must do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, Protocol
from zlib import crc32

CONFIDENCES = ("guess", "think", "sure")
"""Asked before the answer. Their shares right are compared in the calibration chart."""

_BY_TIME = attrgetter("at", "id")


class Answer(NamedTuple):
    """One click. Rows are only ever added; undoing adds a row too."""

    id: str
    """Unique among all answers of all machines."""
    learner: str
    question: str
    seed: int
    chosen: Mapping[str, Any]
    """As in `quizzes.grading.Chosen`; {"undo": id} takes an earlier answer back."""
    credit: float
    """0 to 1, after hints and earlier tries are taken off."""
    confidence: str | None
    hints: int
    """Hints seen before this try."""
    seconds: float
    """From question shown to answer given."""
    page: str
    at: datetime
    """UTC."""
    day: str
    """The learner's own calendar day at the time, ISO; kept, so that a later change of time zone changes nothing."""
    tries: int = 0
    """Wrong tries before this one, in the same sitting."""

    @property
    def undone(self) -> str | None:
        """Id of the answer that this row takes back."""
        value = self.chosen.get("undo")
        return value if isinstance(value, str) else None


class AnswerLog(Protocol):
    """An append-only log of answers."""

    def save(self, answer: Answer) -> None:
        """Keep an answer; when this returns, a crash does not lose it."""

    def save_all(self, answers: Sequence[Answer]) -> None:
        """Keep many answers: all of them or, where the log refuses, none."""

    def load(self, learner: str, question: str | None = None) -> Sequence[Answer]:
        """All rows of a learner (at one question), oldest first, undone ones and undoings included."""


class MemoryLog:
    """Answers of a visitor without a learner id; they end with the session."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def save(self, answer: Answer) -> None:
        self._answers.append(answer)

    def save_all(self, answers: Sequence[Answer]) -> None:
        self._answers.extend(answers)

    def load(self, learner: str, question: str | None = None) -> Sequence[Answer]:
        return tuple(a for a in self._answers if a.learner == learner and question in (None, a.question))


class CachedLog:
    """A log whose rows are read once and then kept in step with what is saved through it; for one session of one learner."""

    def __init__(self, log: AnswerLog) -> None:
        self._log = log
        self._rows: dict[str, list[Answer]] = {}
        self._by_question: dict[tuple[str, str], list[Answer]] = {}

    def save(self, answer: Answer) -> None:
        self._log.save(answer)
        if answer.learner in self._rows:
            self._remember(answer)

    def save_all(self, answers: Sequence[Answer]) -> None:
        self._log.save_all(answers)
        self.forget()

    def load(self, learner: str, question: str | None = None) -> Sequence[Answer]:
        if learner not in self._rows:
            self._rows[learner] = []
            for answer in self._log.load(learner):
                self._remember(answer)
        return self._rows[learner] if question is None else self._by_question.get((learner, question), [])

    def forget(self) -> None:
        """Read again at the next load: another session may have written."""
        self._rows.clear()
        self._by_question.clear()

    def _remember(self, answer: Answer) -> None:
        self._rows[answer.learner].append(answer)
        self._by_question.setdefault((answer.learner, answer.question), []).append(answer)


def in_force(answers: Sequence[Answer]) -> list[Answer]:
    """Answers that were not taken back, each once, in the order of their time; the same for any order of the rows."""
    undone = {answer.undone for answer in answers if "undo" in answer.chosen}
    kept = {answer.id: answer for answer in answers if "undo" not in answer.chosen and answer.id not in undone}
    return sorted(kept.values(), key=_BY_TIME)


def seed_for(learner: str, question: str, turn: int = 0) -> int:
    """Seed of the `turn`-th variant that a learner meets: others get other numbers, a reload gets the same."""
    return crc32(f"{learner}/{question}/{turn}".encode())
