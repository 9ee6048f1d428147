"""How practice goes: forecast, retention, streak, calibration, and the misconceptions that a learner holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from fsrs import Card, Rating

from quizzes.answers import CONFIDENCES, Answer, in_force
from quizzes.clock import day_of
from quizzes.lint import names_of
from quizzes.schedule import SCHEDULER, Schedule, reviewed
from quizzes.schema import Question
from quizzes.sitting import is_try


class DayCount(NamedTuple):
    """A calendar day, ISO, and a number of questions."""

    day: str
    questions: int


class Week(NamedTuple):
    """Reviews of questions met before, in the week that starts on Monday `monday`."""

    monday: str
    reviews: int
    right: int
    expected: float
    """Sum of the chances that FSRS gave before each answer."""


class Calibration(NamedTuple):
    """How often answers with one confidence were right, in one month."""

    month: str
    """"2026-11"."""
    confidence: str
    answers: int
    right: int


class Held(NamedTuple):
    """A misconception that a learner has shown."""

    name: str
    times: int
    last: datetime
    cured_by: str | None
    """The question whose right answer came after the last sign of it; None while it is held."""


def forecast(state: Schedule, now: datetime, zone: str | None, days: int = 30) -> tuple[DayCount, ...]:
    """Questions due on each of the next days; what is overdue counts for today."""
    start = date.fromisoformat(day_of(now, zone))
    counts: dict[str, int] = defaultdict(int)
    for card in state.cards.values():
        counts[max(day_of(card.due, zone), start.isoformat())] += 1
    return tuple(DayCount(day, counts[day]) for day in ((start + timedelta(days=n)).isoformat() for n in range(days)))


def retention(state: Schedule) -> tuple[Week, ...]:
    """Week by week: reviews, how many were right, how many FSRS expected to be. First meetings don't count."""
    weeks: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    cards: dict[str, Card] = {}
    for review in state.reviews:
        card = cards.get(review.question)
        if card is not None:
            day = date.fromisoformat(review.day)
            week = weeks[(day - timedelta(days=day.weekday())).isoformat()]
            week[0] += 1
            week[1] += review.rating is not Rating.Again
            week[2] += SCHEDULER.get_card_retrievability(card, review.at)
        cards[review.question] = reviewed(card, review)
    return tuple(Week(monday, int(n), int(right), expected) for monday, (n, right, expected) in sorted(weeks.items()))


def practised(answers: Sequence[Answer]) -> tuple[DayCount, ...]:
    """Days with practice and how many questions were answered on each."""
    days: dict[str, set[str]] = defaultdict(set)
    for answer in in_force(answers):
        if is_try(answer):
            days[answer.day].add(answer.question)
    return tuple(DayCount(day, len(questions)) for day, questions in sorted(days.items()))


def streak(days: Sequence[DayCount], today: str) -> int:
    """Days in a row with practice, up to today, or up to yesterday while today's is still to come."""
    have = {entry.day for entry in days}
    day = date.fromisoformat(today)
    if today not in have:
        day -= timedelta(days=1)
    length = 0
    while day.isoformat() in have:
        length += 1
        day -= timedelta(days=1)
    return length


def calibration(answers: Sequence[Answer]) -> tuple[Calibration, ...]:
    """Share right by month and confidence, over first tries for which a confidence was given."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for answer in in_force(answers):
        if is_try(answer) and answer.tries == 0 and answer.confidence in CONFIDENCES:
            entry = counts[answer.day[:7], answer.confidence]
            entry[0] += 1
            entry[1] += answer.chosen.get("right") is True
    return tuple(Calibration(month, confidence, n, right) for (month, confidence), (n, right) in sorted(counts.items()))


def misconceptions(answers: Sequence[Answer], questions: Mapping[str, Question]) -> tuple[Held, ...]:
    """What a learner got wrong in a way that has a name, most often shown first.

    A right first try on a question that can reveal the misconception, after its last sign, counts as the cure.
    """
    shown: dict[str, list[Answer]] = defaultdict(list)
    cured: dict[str, str] = {}
    reveals = {name: names_of(question) for name, question in questions.items()}
    for answer in in_force(answers):
        if not is_try(answer):
            continue
        for name in shows(answer):
            shown[name].append(answer)
            cured.pop(name, None)
        if answer.tries == 0 and answer.chosen.get("right") is True and answer.question in reveals:
            for name in reveals[answer.question] & shown.keys():
                cured.setdefault(name, answer.question)
    found = [Held(name, len(rows), rows[-1].at, cured.get(name)) for name, rows in shown.items()]
    return tuple(sorted(found, key=lambda entry: (entry.cured_by is not None, -entry.times, entry.name)))


def held(answers: Sequence[Answer], questions: Mapping[str, Question]) -> Collection[str]:
    """Names of the misconceptions that are not cured yet."""
    return {entry.name for entry in misconceptions(answers, questions) if entry.cured_by is None}


def shows(answer: Answer) -> tuple[str, ...]:
    """Misconceptions that an answer showed, as noted when it was given."""
    names = answer.chosen.get("shows")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
