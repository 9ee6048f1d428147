"""What makes a bank worse although every file of it can be read: guessable keys, twins, unused misconceptions, variants that coincide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from quizzes.bank import Misconception
from quizzes.schema import Match, Number, Option, Order, Pack, Pick, Question, Recall
from quizzes.variants import Variant, all_variants

GUESSABLE_SHARE = 0.5
"""A key that is the longest, or the first in the file, in more than this share of a pack's questions can be guessed."""
_FEWEST = 5
"""Single choices that a pack needs before shares mean anything."""
_LEAST_FEEDBACK = 15
_VARIANTS = 100
"""Draws of a question that are looked at; more would keep whoever uploads a large pack waiting."""


def lint(packs: Sequence[Pack], misconceptions: Iterable[Misconception] = ()) -> list[str]:
    """One sentence a finding, in the order of the files; empty when there is nothing to mend."""
    findings = [finding for pack in packs for finding in (*_guessable(pack), *_each(pack))]
    return findings + _twins(packs) + _unused(packs, misconceptions)


def _each(pack: Pack) -> list[str]:
    findings = []
    for question in pack.questions:
        where = f"{pack.name}, line {question.line}, {question.id}"
        if short := [text for text in _feedback(question) if len(text) < _LEAST_FEEDBACK]:
            findings.append(f"{where}: feedback {short[0]!r} says too little; give the reason")
        findings += [f"{where}: {problem}" for problem in _variant_problems(question)]
    return findings


def _feedback(question: Question) -> list[str]:
    match question.body:
        case Pick(options=things) | Order(items=things) | Recall(points=things):
            return [thing.feedback for thing in things]
        case Match(pairs=pairs):
            return [pair.feedback for pair in pairs]
        case Number() as body:
            return [body.right, body.wrong, *(mistake.feedback for mistake in body.mistakes)]


def _guessable(pack: Pack) -> list[str]:
    singles = [question.body.options for question in pack.questions if isinstance(question.body, Pick) and not question.body.several]
    if len(singles) < _FEWEST:
        return []
    findings = []
    for word, count in (("longest", sum(map(_longest, singles))), ("first", sum(options[0].correct for options in singles))):
        if count > GUESSABLE_SHARE * len(singles):
            findings.append(f"{pack.name}: the right option is the {word} in {count} of {len(singles)} single choices; change some")
    return findings


def _longest(options: Sequence[Option]) -> bool:
    """The key stands out by its length: longer than every other by more than a tenth."""
    key = next(len(option.text) for option in options if option.correct)
    return key > 1.1 * max(len(option.text) for option in options if not option.correct)


def _variant_problems(question: Question) -> list[str]:
    """Options, known mistakes and whole variants must stay apart for every draw."""
    problems: list[str] = []
    seen: Counter[str] = Counter()
    try:
        for shown in all_variants(question, _VARIANTS):
            seen[_face(shown)] += 1
            problems += [f"{problem} when {shown.names}" for problem in _coincidences(shown)]
    except ValueError as error:
        return [str(error)]
    if question.parametrised and len(seen) < 2:
        problems.append("all draws look the same; put a drawn name into the stem")
    elif max(seen.values(), default=0) > 1:
        problems.append("two draws show the same question; put every drawn name into what is shown")
    return problems[:3]


def _face(shown: Variant) -> str:
    """What the learner sees before answering."""
    question = shown.question
    options = [option.text for option in question.body.options] if isinstance(question.body, Pick) else []
    values = shown.plot.values if shown.plot else ()
    return "\n".join([question.stem, question.listing, *sorted(options), repr(values)])


def _coincidences(shown: Variant) -> list[str]:
    body = shown.question.body
    if isinstance(body, Pick):
        texts = [option.text for option in body.options]
        return [] if len(set(texts)) == len(texts) else ["two options have the same text"]
    if isinstance(body, Number) and shown.answer is not None:
        near = [value for value in shown.mistakes if abs(value - shown.answer) <= 2 * body.tolerance * abs(shown.answer)]
        problems = [f"a known mistake gives {near[0]:.6g}, which the answer {shown.answer:.6g} cannot be told from"] if near else []
        return problems + (["two known mistakes give the same number"] if len(set(shown.mistakes)) < len(shown.mistakes) else [])
    return []


def _twins(packs: Sequence[Pack]) -> list[str]:
    first: dict[str, str] = {}
    findings = []
    for question in (question for pack in packs for question in pack.questions):
        plain = re.sub(r"\W+", " ", f"{question.stem} {question.listing}").strip().lower()
        if plain in first:
            findings.append(f"{question.lesson}, line {question.line}, {question.id}: the same stem as {first[plain]}; ask something else")
        first.setdefault(plain, question.id)
    return findings


def _unused(packs: Sequence[Pack], misconceptions: Iterable[Misconception]) -> list[str]:
    used = {name for pack in packs for question in pack.questions for name in names_of(question)}
    return [f"misconception {entry.id!r} is carried by no option; use it or remove it" for entry in misconceptions if entry.id not in used]


def names_of(question: Question) -> set[str]:
    """Misconceptions that the question can reveal."""
    match question.body:
        case Pick(options=things) | Order(items=things) | Recall(points=things):
            found = {thing.misconception for thing in things}
        case Match(pairs=pairs):
            found = {pair.misconception for pair in pairs}
        case Number(mistakes=mistakes):
            found = {mistake.misconception for mistake in mistakes}
    return {name for name in found if name}
