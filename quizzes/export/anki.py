"""An Anki package: one note a question, with stable GUIDs, so that importing a newer one updates and doubles nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import genanki

from quizzes.export import parts
from quizzes.export.markup import html, mathjax
from quizzes.lint import names_of
from quizzes.schema import Pack
from quizzes.variants import Variant

FIELDS = ("Id", "Question", "Choices", "Hints", "Answer", "Feedback", "Explanation", "Source", "Lesson")
_MODEL_ID = 1_763_800_001
"""Fixed for ever: Anki knows the note type by it."""
_FRONT = """<div class="lesson">{{Lesson}}</div>{{Question}}{{Choices}}{{#Hints}}<details><summary>Hints</summary>{{Hints}}</details>{{/Hints}}"""
_BACK = (
    """{{FrontSide}}<hr id="answer"><div class="key">{{Answer}}</div>{{Feedback}}<p>{{Explanation}}</p><p class="source">{{Source}}</p>"""
)
_CSS = """.card { font-family: system-ui, sans-serif; font-size: 18px; max-width: 42em; margin: 0 auto; text-align: left; }
.lesson, .source { color: #5F6B7A; font-size: 14px; } .key { font-weight: 650; } pre { overflow-x: auto; }"""


def apkg(packs: Sequence[Pack]) -> bytes:
    """The packs as one .apkg, a deck each under "Delta Lab"."""
    model = genanki.Model(
        _MODEL_ID,
        "Delta Lab question",
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Question", "qfmt": _FRONT, "afmt": _BACK}],
        css=_CSS,
        sort_field_index=0,
    )
    decks = [_deck(pack, model) for pack in packs]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "questions.apkg"
        genanki.Package(decks).write_to_file(str(path))
        return path.read_bytes()


def guid(shown: Variant) -> str:
    """The same for the same question (and draw) in every version of this program."""
    made: str = genanki.guid_for("delta-lab", parts.name(shown))
    return made


def fields(shown: Variant, title: str) -> list[str]:
    """The values of FIELDS, as HTML with MathJax."""
    question = shown.question
    return [
        parts.name(shown),
        parts.stem(shown, mathjax),
        parts.choices(shown, mathjax),
        "".join(f"<p>{html(hint, mathjax)}</p>" for hint in question.hints),
        parts.answer(shown, mathjax),
        parts.feedback(shown, mathjax),
        html(question.explanation, mathjax),
        html(question.source, mathjax),
        html(title, mathjax),
    ]


def tags(shown: Variant) -> list[str]:
    """lesson::..., kind::... and misconception::... for each that the question can reveal; Anki allows no spaces in them."""
    question = shown.question
    return [f"lesson::{question.lesson}", f"kind::{question.kind}", *(f"misconception::{name}" for name in sorted(names_of(question)))]


def _deck(pack: Pack, model: genanki.Model) -> genanki.Deck:
    deck = genanki.Deck(1_763_000_000 + crc32(pack.name.encode()) % 700_000, f"Delta Lab::{pack.title}")
    for shown in parts.exported(pack.questions):
        deck.add_note(genanki.Note(model=model, fields=fields(shown, pack.title), tags=tags(shown), guid=guid(shown)))
    return deck
