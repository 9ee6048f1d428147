"""What to practise today: due questions first, then new ones, lessons mixed, never more than a day's worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from quizzes.clock import day_of
from quizzes.lint import names_of
from quizzes.schedule import Schedule
from quizzes.schema import Question

DAILY_CAP = 20
"""Questions a day; a backlog is spread over days, not thrown at the learner at once."""
NEW_CAP = 8
"""New questions a day: each one brings some eight reviews in its first months."""
_MISCONCEPTION_BONUS = 0.2
"""How far a question about a misconception that the learner holds moves forward, as chance of recall."""


class Due(NamedTuple):
    """One question of today's queue."""

    question: str
    new: bool
    turn: int
    """How often it was met on earlier days; the next numbers follow from it."""
    why: Literal["due", "close", "classic", "new"]
    """Why it comes now: it is due, near what the learner got wrong, one of the classic four, or it is its turn."""
    recall: float | None
    """Chance that the learner still knows it, by estimate; None for a new one."""


class Today(NamedTuple):
    """Today's queue and what is done of it."""

    queue: tuple[Due, ...]
    done: int
    """Questions answered today."""
    waiting: int
    """Due questions that the cap leaves for another day."""


def today(
    questions: Mapping[str, Question],
    state: Schedule,
    held: Collection[str],
    now: datetime,
    zone: str | None,
    cap: int = DAILY_CAP,
    new_cap: int = NEW_CAP,
) -> Today:
    """Today's queue.

    Args:
        questions: Id -> question, the course's and the teacher's, in the order of the course.
        state: Of the learner, all answers of today included.
        held: Misconceptions that the learner shows.
        now: The time, UTC.
        zone: The learner's time zone.
        cap: Most questions a day.
        new_cap: Most new ones among them.
    """
    day = day_of(now, zone)
    done = {review.question for review in state.reviews if review.day == day}
    met_before = {review.question for review in state.reviews if review.day != day}
    due = [q for q in questions.values() if q.id in state.cards and q.id not in done and day_of(state.cards[q.id].due, zone) <= day]
    due.sort(key=lambda q: (state.recall(q.id, now) - _bonus(q, held), q.id))
    room = max(0, cap - len(done))
    fresh_room = max(0, min(new_cap - len(done - met_before), room - len(due)))
    fresh = _in_turn([q for q in questions.values() if q.id not in state.cards], held)[:fresh_room]
    turns = _turns(state, day)
    queue = [_due(q, state, held, now, turns[q.id]) for q in mixed(due[:room] + fresh)]
    return Today(tuple(queue), len(done), max(0, len(due) - room))


def mixed(questions: Sequence[Question]) -> list[Question]:
    """The same questions, neighbours from different lessons as far as that goes; the order within a lesson stays."""
    left = defaultdict(list)
    for question in questions:
        left[question.lesson].append(question)
    place = {question.id: index for index, question in enumerate(questions)}
    order: list[Question] = []
    while left:
        last = order[-1].lesson if order else None
        open_lessons = [lesson for lesson in left if lesson != last] or list(left)
        most = max(len(left[lesson]) for lesson in open_lessons)
        # the longest lesson goes first when it would otherwise be left over at the end; else the most urgent question
        pressed = [lesson for lesson in open_lessons if len(left[lesson]) == most and 2 * most > sum(map(len, left.values()))]
        lesson = min(pressed or open_lessons, key=lambda name: place[left[name][0].id])
        order.append(left[lesson].pop(0))
        if not left[lesson]:
            del left[lesson]
    return order


def _in_turn(fresh: list[Question], held: Collection[str]) -> list[Question]:
    """New questions: the classic four, then those about the learner's misconceptions, then one of each lesson in turn."""
    place: dict[str, int] = {}
    seen: dict[str, int] = defaultdict(int)
    for question in fresh:
        place[question.id] = seen[question.lesson]
        seen[question.lesson] += 1
    return sorted(fresh, key=lambda q: (q.opening or 5, -bool(names_of(q) & set(held)), place[q.id]))


def _bonus(question: Question, held: Collection[str]) -> float:
    return _MISCONCEPTION_BONUS if names_of(question) & set(held) else 0.0


def _turns(state: Schedule, day: str) -> dict[str, int]:
    turns: dict[str, int] = defaultdict(int)
    for review in state.reviews:
        turns[review.question] += review.day != day
    return turns


def _due(question: Question, state: Schedule, held: Collection[str], now: datetime, turn: int) -> Due:
    if question.id in state.cards:
        return Due(question.id, False, turn, "due", state.recall(question.id, now))
    close = bool(names_of(question) & set(held))
    return Due(question.id, True, turn, "close" if close else "classic" if question.opening else "new", None)
