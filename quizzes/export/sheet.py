"""A printable sheet: one HTML file without scripts; the key starts on a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from quizzes.export import parts
from quizzes.export.markup import html, mathml
from quizzes.schema import Number, Pack, Pick, Recall
from quizzes.variants import Variant, variant

_CSS = """body { font: 11pt/1.45 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: #1B2330; }
article { break-inside: avoid; margin: 0 0 1.4em; } pre { background: #F4F6F9; padding: .6em; white-space: pre-wrap; }
.key { break-before: page; } .blank { border-bottom: 1px solid #5F6B7A; height: 1.6em; } .source { color: #5F6B7A; font-size: 9pt; }
table { border-collapse: collapse; } th, td { padding: .1em .6em; border: 1px solid #D5DAE1; } ol.boxes { list-style: upper-alpha; }"""


def sheet(pack: Pack, seed: int = 0) -> str:
    """All questions of a pack, then the key. `seed` draws the numbers and the order of options: another seed, another sheet."""
    shown = [variant(question, seed) for question in pack.questions]
    questions = "".join(_question(number, item) for number, item in enumerate(shown, start=1))
    key = "".join(_key(number, item) for number, item in enumerate(shown, start=1))
    title = f"{escape(pack.title)} · sheet {seed}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_CSS}</style></head><body>'
        f"<h1>{title}</h1><p>Name: ____________________ Date: ____________</p>{questions}"
        f'<section class="key"><h1>Key to {title}</h1>{key}</section></body></html>'
    )


def sheets(packs: Sequence[Pack], seed: int = 0) -> str:
    """Several packs as one sheet."""
    return sheet(Pack("all", "Delta Lab", tuple(question for pack in packs for question in pack.questions)), seed)


def _question(number: int, shown: Variant) -> str:
    body = shown.question.body
    note = " <i>(choose all that apply)</i>" if isinstance(body, Pick) and body.several else ""
    lines = "<div class='blank'></div>" * (5 if isinstance(body, Recall) else 1 if isinstance(body, Number) else 0)
    choices = parts.choices(shown, mathml).replace("<ol>", "<ol class='boxes'>")
    return f"<article><b>{number}.</b>{note} {parts.stem(shown, mathml)}{choices}{lines}</article>"


def _key(number: int, shown: Variant) -> str:
    letters = ""
    body = shown.question.body
    if isinstance(body, Pick):
        right = {option.key for option in body.options if option.correct}
        letters = ", ".join(chr(ord("A") + place) for place, key in enumerate(shown.shown) if key in right) + ": "
    source = f"<p class='source'>{html(shown.question.explanation, mathml)} {html(shown.question.source, mathml)}</p>"
    return f"<article><b>{number}.</b> {letters}{parts.answer(shown, mathml)}{source}</article>"
