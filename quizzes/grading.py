"""From a variant and what was chosen to a grade: credit, feedback on every choice made, misconceptions shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

from quizzes.schema import Match, Number, Option, Order, Pick, Recall
from quizzes.units import Problem, read_number
from quizzes.variants import Variant

Chosen = Mapping[str, Any]
"""What was chosen, as JSON: {"picked": ["b"]}, {"number": "33.6 MB"}, {"order": ["c", "a", "b"]}, {"pairs": {"a": "b"}}
or {"points": ["a"], "text": "..."}."""

FALLING_CREDIT = (1.0, 0.6, 0.3)
"""Share of the credit that is left after 0, 1, 2 hints or wrong tries; nothing after more."""


class Remark(NamedTuple):
    """What is said about one choice."""

    key: str
    text: str
    good: bool


class Grade(NamedTuple):
    """Credit for one try, before hints and earlier tries are taken off."""

    credit: float
    """0 to 1; 1 only for the key."""
    remarks: tuple[Remark, ...]
    misconceptions: tuple[str, ...] = ()
    unread: bool = False
    """Nothing that can be graded was given: the learner is asked again and no try is counted."""
    problem: Problem | None = None
    """What was wrong with a number or its unit, where no remark of the question says it."""

    @property
    def right(self) -> bool:
        return self.credit == 1.0


def grade(variant: Variant, chosen: Chosen) -> Grade:
    """Grade one try. Never raises for what a learner, a stored row or an imported file may hold."""
    match variant.question.body:
        case Pick() as body:
            return _pick(body, _keys(chosen.get("picked")))
        case Number() as body:
            return _number(variant, body, str(chosen.get("number", "")))
        case Order() as body:
            return _order(body, _keys(chosen.get("order")))
        case Match() as body:
            pairs = chosen.get("pairs")
            return _match(body, pairs if isinstance(pairs, Mapping) else {})
        case Recall() as body:
            return _recall(body, _keys(chosen.get("points")))


def falling(credit: float, hints: int, earlier_tries: int) -> float:
    """Credit after hints and wrong tries are taken off."""
    used = max(hints, 0) + max(earlier_tries, 0)
    return credit * FALLING_CREDIT[used] if used < len(FALLING_CREDIT) else 0.0


def key_of(variant: Variant) -> Chosen:
    """The choice that earns full credit."""
    match variant.question.body:
        case Pick(options=options):
            return {"picked": [option.key for option in options if option.correct]}
        case Number(unit=unit):
            return {"number": f"{variant.answer!r} {unit}".strip()}
        case Order(items=items):
            return {"order": [item.key for item in items]}
        case Match(pairs=pairs):
            return {"pairs": {pair.key: pair.key for pair in pairs}}
        case Recall(points=points):
            return {"points": [point.key for point in points], "text": ""}


def _keys(value: Any) -> list[str]:
    return list(dict.fromkeys(key for key in value if isinstance(key, str))) if isinstance(value, (list, tuple)) else []


def _pick(body: Pick, picked: list[str]) -> Grade:
    options = {option.key: option for option in body.options}
    chosen = [options[key] for key in picked if key in options]
    if not chosen or (not body.several and len(chosen) != 1):
        return Grade(0.0, (), unread=True)
    right = sum(option.correct for option in chosen)
    wanted = sum(option.correct for option in body.options)
    credit = 1.0 if right == wanted == len(chosen) else max(0.0, (right - (len(chosen) - right)) / wanted)
    return Grade(credit, tuple(_remark(option) for option in chosen), _named(option for option in chosen if not option.correct))


def _number(variant: Variant, body: Number, text: str) -> Grade:
    reading = read_number(text, body.unit)
    answer = variant.answer
    if answer is None or (reading.value is None and not reading.unit):
        return Grade(0.0, (), unread=True, problem=reading.problem)
    if reading.value is None:
        return Grade(0.0, (), problem=reading.problem)
    if _close(reading.value, answer, body.tolerance):
        return Grade(1.0, (Remark("right", body.right, True),))
    if reading.unit and reading.typed is not None and _close(reading.typed, answer, body.tolerance):
        return Grade(0.0, (), problem=Problem("wrong_unit", reading.unit, body.unit))
    for index, (value, mistake) in enumerate(zip(variant.mistakes, body.mistakes, strict=True)):
        if _close(reading.value, value, max(body.tolerance, 1e-9)):
            return Grade(0.0, (Remark(f"mistake {index + 1}", mistake.feedback, False),), _named([mistake]))
    return Grade(0.0, (Remark("wrong", body.wrong, False),))


def _close(value: float, wanted: float, tolerance: float) -> bool:
    return math.isclose(value, wanted, rel_tol=max(tolerance, 1e-9), abs_tol=1e-12)


def _order(body: Order, order: list[str]) -> Grade:
    """Credit falls from 1 to 0 as the share of pairs that stand the wrong way round goes from none to a half."""
    right = [item.key for item in body.items]
    if sorted(order) != sorted(right):
        return Grade(0.0, (), unread=True)
    pairs = list(combinations(range(len(order)), 2))
    wrong = sum(right.index(order[first]) > right.index(order[second]) for first, second in pairs)
    remarks = tuple(Remark(item.key, item.feedback, order[place] == item.key) for place, item in enumerate(body.items))
    misplaced = (item for place, item in enumerate(body.items) if order[place] != item.key)
    return Grade(max(0.0, 1.0 - 2.0 * wrong / len(pairs)), remarks, _named(misplaced))


def _match(body: Match, pairs: Mapping[Any, Any]) -> Grade:
    if any(pair.key not in pairs for pair in body.pairs):
        return Grade(0.0, (), unread=True)
    remarks = tuple(Remark(pair.key, pair.feedback, pairs[pair.key] == pair.key) for pair in body.pairs)
    right = sum(remark.good for remark in remarks)
    return Grade(right / len(body.pairs), remarks, _named(p for p, remark in zip(body.pairs, remarks, strict=True) if not remark.good))


def _recall(body: Recall, points: list[str]) -> Grade:
    remarks = tuple(Remark(point.key, point.feedback, point.key in points) for point in body.points)
    had = sum(remark.good for remark in remarks)
    return Grade(had / len(body.points), remarks, _named(p for p, remark in zip(body.points, remarks, strict=True) if not remark.good))


def _remark(option: Option) -> Remark:
    return Remark(option.key, option.feedback, option.correct)


def _named(things: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(thing.misconception for thing in things if thing.misconception))
