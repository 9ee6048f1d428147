"""What the exports say about a question beyond its texts: the parts that each format puts in its own place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from quizzes.export.markup import html
from quizzes.schema import Match, Number, Order, Pick, Question, Recall
from quizzes.variants import Plot, Variant, all_variants, variant

PARAMETRISED_COPIES = 3
"""Variants of a parametrised question that an export holds, since other programs cannot draw new numbers."""

Math = Callable[[str], str]


def exported(questions: Iterable[Question]) -> list[Variant]:
    """The variants that exports hold: one of a fixed question, some different ones of a parametrised one."""
    found = []
    for question in questions:
        if question.parametrised:
            drawn = list(all_variants(question))
            step = max(1, len(drawn) // PARAMETRISED_COPIES)
            found += drawn[::step][:PARAMETRISED_COPIES]
        else:
            found.append(variant(question, 0))
    return found


def name(shown: Variant) -> str:
    """Stable name of a variant: the question's id, with the number of the draw where there are several."""
    return f"{shown.question.id}#{shown.seed}" if shown.question.parametrised else shown.question.id


def stem(shown: Variant, math: Math) -> str:
    """Question text, listing and chart as HTML."""
    question = shown.question
    parts = [f"<p>{html(question.stem, math)}</p>"]
    if question.listing:
        parts.append(f"<pre>{escape(question.listing)}</pre>")
    if shown.plot is not None:
        parts.append(_chart_table(shown.plot))
    return "".join(parts)


def _chart_table(plot: Plot) -> str:
    """A chart as its numbers: they survive every import."""
    head = f"<tr><th>{escape(plot.chart.x_title)}</th>" + "".join(f"<th>{escape(s.name)}</th>" for s in plot.chart.series) + "</tr>"
    rows = "".join(
        f"<tr><td>{escape(str(x))}</td>" + "".join(f"<td>{values[place]:g}</td>" for values in plot.values) + "</tr>"
        for place, x in enumerate(plot.chart.series[0].x)
    )
    return f"<table border='1'><caption>{escape(plot.chart.title)} ({escape(plot.chart.y_title)})</caption>{head}{rows}</table>"


def choices(shown: Variant, math: Math) -> str:
    """What there is to choose from, in the shown order; empty where something is typed."""
    match shown.question.body:
        case Pick(options=things) | Order(items=things):
            texts = {thing.key: thing.text for thing in things}
            return "<ol>" + "".join(f"<li>{html(texts[key], math)}</li>" for key in shown.shown) + "</ol>"
        case Match(pairs=pairs):
            rights = {pair.key: pair.right for pair in pairs}
            lefts = "".join(f"<li>{html(pair.left, math)}</li>" for pair in pairs)
            return f"<ul>{lefts}</ul><ol>" + "".join(f"<li>{html(rights[key], math)}</li>" for key in shown.shown) + "</ol>"
        case Number(unit=unit):
            return f"<p>Answer in {escape(unit)}.</p>" if unit else ""
    return ""


def answer(shown: Variant, math: Math) -> str:
    """The key, as HTML."""
    match shown.question.body:
        case Pick(options=options):
            return "<br>".join(html(option.text, math) for option in options if option.correct)
        case Number(unit=unit):
            return escape(f"{number(shown)} {unit}".strip())
        case Order(items=items):
            return "<ol>" + "".join(f"<li>{html(item.text, math)}</li>" for item in items) + "</ol>"
        case Match(pairs=pairs):
            return "<ul>" + "".join(f"<li>{html(pair.left, math)} → {html(pair.right, math)}</li>" for pair in pairs) + "</ul>"
        case Recall(model_answer=text):
            return html(text, math)


def number(shown: Variant) -> str:
    """The right number with six digits, without an exponent where it can be read without."""
    value = shown.answer or 0.0
    if value.is_integer() and abs(value) < 1e12:
        return f"{value:.0f}"
    return f"{value:.6g}"


def feedback(shown: Variant, math: Math) -> str:
    """What is said about each choice, as an HTML list."""
    lines: list[tuple[str, str]] = []
    match shown.question.body:
        case Pick(options=things) | Order(items=things) | Recall(points=things):
            lines = [(thing.text, thing.feedback) for thing in things]
        case Match(pairs=pairs):
            lines = [(f"{pair.left} → {pair.right}", pair.feedback) for pair in pairs]
        case Number() as body:
            wrong = zip(shown.mistakes, body.mistakes, strict=True)
            lines = [(number(shown), body.right), *((f"{value:.6g}", mistake.feedback) for value, mistake in wrong), ("else", body.wrong)]
    return "<ul>" + "".join(f"<li><b>{html(label, math)}</b>: {html(text, math)}</li>" for label, text in lines) + "</ul>"
