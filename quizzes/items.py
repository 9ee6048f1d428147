"""What answers say about the questions: share right, discrimination, distractors, time; and about misconceptions in a class."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from quizzes.answers import Answer, in_force
from quizzes.progress import misconceptions
from quizzes.schema import Pick, Question
from quizzes.sitting import is_try

FEWEST_FOR_DISCRIMINATION = 20


class Item(NamedTuple):
    """One question in numbers, over first tries; a learner's later meetings count as further tries."""

    question: str
    tries: int
    right: float
    """Share right at the first try, 0 to 1."""
    discrimination: float | None
    """Point-biserial correlation, −1 to 1, of being right here with the learner's share right elsewhere; None below 20 answers."""
    chosen: dict[str, int]
    """Option -> how often it was picked; empty for other kinds."""
    unused: tuple[str, ...]
    """Wrong options that nobody picked, once there are 20 answers."""
    median_seconds: float


class Spread(NamedTuple):
    """One misconception in a group of learners."""

    name: str
    holders: int
    """Learners who show it and have not been cured."""
    cured: int
    cures: tuple[tuple[str, int], ...]
    """(question, learners) whose right answer came after the last sign, most often first."""


def items(answers: Sequence[Answer], questions: Mapping[str, Question]) -> list[Item]:
    """Each question that was answered, in the order of the course."""
    first = [answer for answer in in_force(answers) if is_try(answer) and answer.tries == 0 and answer.question in questions]
    by_question: dict[str, list[Answer]] = defaultdict(list)
    for answer in first:
        by_question[answer.question].append(answer)
    scores = _scores(first)
    return [_item(questions[name], by_question[name], scores) for name in questions if name in by_question]


def worst(found: Sequence[Item], count: int = 10) -> list[Item]:
    """Questions to look at first: those that tell good from weak learners least, then those that fewest get right."""
    return sorted(found, key=lambda item: (item.discrimination if item.discrimination is not None else 1.0, item.right))[:count]


def spread(answers: Sequence[Answer], questions: Mapping[str, Question]) -> list[Spread]:
    """Each misconception that somebody has shown, most holders first."""
    by_learner: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_learner[answer.learner].append(answer)
    holders: Counter[str] = Counter()
    cures: dict[str, Counter[str]] = defaultdict(Counter)
    names: set[str] = set()
    for rows in by_learner.values():
        for entry in misconceptions(rows, questions):
            names.add(entry.name)
            if entry.cured_by is None:
                holders[entry.name] += 1
            else:
                cures[entry.name][entry.cured_by] += 1
    found = [Spread(name, holders[name], cures[name].total(), tuple(cures[name].most_common())) for name in names]
    return sorted(found, key=lambda entry: (-entry.holders, -entry.cured, entry.name))


def point_biserial(right: Sequence[bool], other: Sequence[float]) -> float | None:
    """Correlation of a yes/no with a score. None where either does not vary, or there are fewer than two."""
    if len(right) < 2 or len(set(right)) < 2:
        return None
    mean, share = fmean(other), fmean(right)
    deviation = math.sqrt(fmean((value - mean) ** 2 for value in other))
    if deviation < 1e-12:
        return None
    mean_right = fmean(value for value, good in zip(other, right, strict=True) if good)
    mean_wrong = fmean(value for value, good in zip(other, right, strict=True) if not good)
    return (mean_right - mean_wrong) / deviation * math.sqrt(share * (1 - share))


def _is_right(answer: Answer) -> bool:
    return answer.chosen.get("right") is True


def _scores(first: Sequence[Answer]) -> dict[str, tuple[int, int, dict[str, tuple[int, int]]]]:
    """Learner -> (right, tries, question -> (right, tries)), so that a question can be left out of the rest."""
    totals: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for answer in first:
        entry = totals[answer.learner][answer.question]
        entry[0] += _is_right(answer)
        entry[1] += 1
    return {
        learner: (sum(e[0] for e in each.values()), sum(e[1] for e in each.values()), {name: (e[0], e[1]) for name, e in each.items()})
        for learner, each in totals.items()
    }


def _item(question: Question, rows: Sequence[Answer], scores: Mapping[str, tuple[int, int, dict[str, tuple[int, int]]]]) -> Item:
    chosen = _chosen(question, rows)
    enough = len(rows) >= FEWEST_FOR_DISCRIMINATION
    right, other = [], []
    for row in rows:
        all_right, all_tries, each = scores[row.learner]
        mine_right, mine_tries = each[question.id]
        if all_tries > mine_tries:
            right.append(_is_right(row))
            other.append((all_right - mine_right) / (all_tries - mine_tries))
    return Item(
        question=question.id,
        tries=len(rows),
        right=fmean(map(_is_right, rows)),
        discrimination=point_biserial(right, other) if len(right) >= FEWEST_FOR_DISCRIMINATION else None,
        chosen=chosen,
        unused=tuple(key for key, count in chosen.items() if not count and key in _wrong(question)) if enough else (),
        median_seconds=median(row.seconds for row in rows),
    )


def _chosen(question: Question, rows: Sequence[Answer]) -> dict[str, int]:
    if not isinstance(question.body, Pick):
        return {}
    counts = {option.key: 0 for option in question.body.options}
    for row in rows:
        picked = row.chosen.get("picked")
        for key in picked if isinstance(picked, list) else ():
            if key in counts:
                counts[key] += 1
    return counts


def _wrong(question: Question) -> set[str]:
    return {option.key for option in question.body.options if not option.correct} if isinstance(question.body, Pick) else set()
