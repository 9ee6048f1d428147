"""When a question comes back: FSRS (py-fsrs), fed by the first answer of each day. Pure functions; time is an argument.

Fuzzing is off and there are no steps of minutes, so the state is a function of the log alone: any machine that holds the
same answers, in any order, has the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from fsrs import Card, Rating, Scheduler

from quizzes.answers import Answer, in_force
from quizzes.sitting import is_try

DESIRED_RETENTION = 0.9
"""A question is due when the chance to answer it has fallen to this."""
SCHEDULER = Scheduler(desired_retention=DESIRED_RETENTION, learning_steps=(), relearning_steps=(), enable_fuzzing=False)
_PARTLY = 0.5
_FUTURE = timedelta(days=1)


class Review(NamedTuple):
    """An answer that counts for the schedule: the first of its day."""

    question: str
    at: datetime
    day: str
    rating: Rating


class Schedule(NamedTuple):
    """Where a learner stands with each question that they have met."""

    cards: dict[str, Card]
    reviews: tuple[Review, ...]
    """In the order of time."""

    def recall(self, question: str, now: datetime) -> float:
        """Chance, 0 to 1, that the question would be answered now; 0 for one never met."""
        card = self.cards.get(question)
        return SCHEDULER.get_card_retrievability(card, now) if card else 0.0


def rating_of(answer: Answer) -> Rating:
    """Wrong is Again; right with a hint, or half right, is Hard; right is Good; right and sure is Easy."""
    if answer.chosen.get("right") is not True:
        return Rating.Hard if answer.credit >= _PARTLY else Rating.Again
    if answer.hints:
        return Rating.Hard
    return Rating.Easy if answer.confidence == "sure" else Rating.Good


def reviews_of(answers: Sequence[Answer], now: datetime) -> tuple[Review, ...]:
    """The reviews in a log: the first try at each question on each of the learner's days, undone answers left out.

    Answers stamped more than a day after `now` came from a clock that was wrong; they wait until the clock gets there.
    """
    first: dict[tuple[str, str], Answer] = {}
    for answer in in_force(answers):
        if is_try(answer) and answer.at <= now + _FUTURE:
            first.setdefault((answer.question, answer.day), answer)
    return tuple(Review(a.question, a.at, a.day, rating_of(a)) for a in first.values())


def schedule(answers: Sequence[Answer], now: datetime) -> Schedule:
    """The state of a learner, from the whole log."""
    return replay(reviews_of(answers, now))


def replay(reviews: Iterable[Review]) -> Schedule:
    """Feed reviews to FSRS, oldest first."""
    done = tuple(reviews)
    cards: dict[str, Card] = {}
    for review in done:
        cards[review.question] = reviewed(cards.get(review.question), review)
    return Schedule(cards, done)


def advance(state: Schedule, answers: Sequence[Answer], now: datetime) -> Schedule:
    """The state after the log has grown to `answers`; equal to `schedule(answers, now)`, and quick when only newer reviews came."""
    wanted = reviews_of(answers, now)
    known = len(state.reviews)
    if wanted[:known] != state.reviews:
        return replay(wanted)
    cards = dict(state.cards)
    for review in wanted[known:]:
        cards[review.question] = reviewed(cards.get(review.question), review)
    return Schedule(cards, wanted)


def reviewed(card: Card | None, review: Review) -> Card:
    """The card after one more review; None for a question never met."""
    card = card or Card(card_id=0, due=review.at)  # an id of our own: without one py-fsrs reads the clock
    return SCHEDULER.review_card(card, review.rating, review.at)[0]
