"""From a question and a seed to what a learner sees: numbers drawn, formulas worked out, texts filled, options shuffled."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from quizzes.formula import Value, evaluate
from quizzes.schema import Chart, Draw, Match, Mistake, Number, Option, Order, Pair, Pick, Question, Recall

_SLOT = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*(?::([^{}]{1,12}))?\}\}")


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart with its numbers worked out."""

    chart: Chart
    values: tuple[tuple[float, ...], ...]
    """One tuple of y values a series."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One question as it is shown and graded: no slot is left in `question`, and things to pick stand in the shown order."""

    question: Question
    seed: int
    names: dict[str, Value]
    answer: float | None = None
    """The right number, where one is asked."""
    mistakes: tuple[float, ...] = ()
    """The value of each known mistake, in the order of the file."""
    plot: Plot | None = None
    shown: tuple[str, ...] = ()
    """Keys in the order shown: options, items to order, or the right-hand sides of pairs."""


def variant(question: Question, seed: int) -> Variant:
    """Draw, compute, fill and shuffle. The same question and seed give the same variant on every machine.

    Raises:
        ValueError: naming the formula or the slot that does not work.
    """
    source = random.Random(f"{question.id}:{seed}")
    return _build(question, seed, _drawn(question.draw, source), source)


def all_variants(question: Question, limit: int = 400) -> Iterator[Variant]:
    """Each different draw once, at most `limit` of them, in the order of the file."""
    lists = question.draw.lists
    rows: tuple[dict[str, Value], ...] = question.draw.rows or ({},)
    for index, (row, values) in enumerate(product(rows, product(*lists.values()))):
        if index == limit:
            return
        yield _build(question, index, {**row, **dict(zip(lists, values, strict=True))}, random.Random(f"{question.id}:{index}"))


def fill(text: str, names: Mapping[str, Value]) -> str:
    """Put values into `{{name}}` and `{{name:format}}`. Raises ValueError for a name or format that does not work."""

    def value(match: re.Match[str]) -> str:
        name, form = match[1], match[2] or ""
        if name not in names:
            raise ValueError(f"{{{{{name}}}}} is neither drawn nor computed (there are: {', '.join(sorted(names)) or 'none'})")
        if re.search(r"\d{3,}", form):
            raise ValueError(f"the format {form!r} of {{{{{name}}}}} asks for too many characters")
        try:
            return format(_tidy(names[name]), form or ("," if isinstance(_tidy(names[name]), int) else ""))
        except ValueError as error:
            raise ValueError(f"the format {form!r} of {{{{{name}}}}} does not fit its value: {error}") from None

    return _SLOT.sub(value, text)


def _tidy(value: Value) -> Value:
    """3.0 reads as 3."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _drawn(draw: Draw, source: random.Random) -> dict[str, Value]:
    names: dict[str, Value] = dict(source.choice(draw.rows)) if draw.rows else {}
    for name, values in draw.lists.items():
        names[name] = source.choice(values)
    return names


def _build(question: Question, seed: int, names: dict[str, Value], source: random.Random) -> Variant:
    for name, formula in question.draw.compute.items():
        names[name] = evaluate(formula, names)
    body = question.body
    answer: float | None = None
    mistakes: tuple[float, ...] = ()
    if isinstance(body, Number):
        answer = float(evaluate(body.answer, names))
        mistakes = tuple(float(evaluate(mistake.value, names)) for mistake in body.mistakes)
    told = {**names, "answer": answer} if answer is not None else names
    plot = _plot(question.chart, names)
    filled = replace(
        question,
        chart=plot.chart if plot else None,
        stem=fill(question.stem, names),
        explanation=fill(question.explanation, told),
        hints=tuple(fill(hint, names) for hint in question.hints),
        listing=fill(question.listing, names),
        run=fill(question.run, names),
        body=_filled_body(body, told),
    )
    keys = [item.key for item in _to_shuffle(body)]
    source.shuffle(keys)
    if isinstance(body, Order) and keys == [item.key for item in body.items]:
        keys.reverse()  # an order that starts out right asks nothing
    return Variant(filled, seed, names, answer, mistakes, plot, tuple(keys))


def _to_shuffle(body: object) -> tuple[Option, ...] | tuple[Pair, ...]:
    match body:
        case Pick(options=things) | Order(items=things):
            return things
        case Match(pairs=pairs):
            return pairs
    return ()


def _filled_body(body: Pick | Number | Order | Match | Recall, names: Mapping[str, Value]) -> Pick | Number | Order | Match | Recall:
    def options(things: tuple[Option, ...]) -> tuple[Option, ...]:
        return tuple(replace(thing, text=fill(thing.text, names), feedback=fill(thing.feedback, names)) for thing in things)

    match body:
        case Pick():
            return replace(body, options=options(body.options))
        case Order():
            return replace(body, items=options(body.items))
        case Recall():
            return replace(body, model_answer=fill(body.model_answer, names), points=options(body.points))
        case Match():
            pairs = tuple(
                replace(p, left=fill(p.left, names), right=fill(p.right, names), feedback=fill(p.feedback, names)) for p in body.pairs
            )
            return replace(body, pairs=pairs)
        case Number():
            mistakes = tuple(Mistake(m.value, fill(m.feedback, names), m.misconception) for m in body.mistakes)
            return replace(body, right=fill(body.right, names), wrong=fill(body.wrong, names), mistakes=mistakes)


def _plot(chart: Chart | None, names: Mapping[str, Value]) -> Plot | None:
    if chart is None:
        return None
    values = tuple(tuple(evaluate(formula, names) for formula in series.y) for series in chart.series)
    shown = replace(chart, title=fill(chart.title, names), series=tuple(replace(s, name=fill(s.name, names)) for s in chart.series))
    return Plot(shown, values)
