"""The course can be translated: shown in a language with an accent on every vowel, no plain English is left on a lesson, on Runs or on the record.

Not looked at: questions (they have files of their own), model and task notes of the catalogue, what models said, code, and pictures.
English still stands in code on the calculator's page and the practice page (`lessons/panels/planner_*`, `practice_*`, `question*`,
`quizzes/daily.py`), in the gallery's titles, in the pictures' words (`describe_*` in `viz`), in what a dial says of a bad value
(`lessons/panels/dials.py`), and in the engine's own errors and notes.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import lessons.text as texts
from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.store import predictions, progress
from lessons.catalog import LESSONS, PAGES, find

ACCENTS = str.maketrans("aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ")
KEPT = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`|\{\{\w+\}\}|\[\[[^|\]]+\||\]\([^)]*\)|:\w+\[|:material/\w+:|:small\[|:gray\[", re.DOTALL
)
TRANSLATED = (*LESSONS, find("runs"), find("record"))
NOT_WORDS = {"page", "next", "key", "task"}
ENGLISH = re.compile(r"\b[a-z]{2,}(?: [a-z]{2,}){2,}\b")
"""Three plain words in a row."""
WIDGETS = (
    "button",
    "checkbox",
    "radio",
    "select_slider",
    "selectbox",
    "slider",
    "toggle",
    "text_input",
    "number_input",
    "expander",
    "metric",
)
PROSE = ("title", "header", "subheader", "markdown", "caption", "info", "success", "warning", "error")


def pseudo(text: str) -> str:
    """Every vowel gets an accent; formulas, code, names in markup and addresses stay."""
    pieces, end = [], 0
    for kept in KEPT.finditer(text):
        pieces += [text[end : kept.start()].translate(ACCENTS), kept[0]]
        end = kept.end()
    return "".join([*pieces, text[end:].translate(ACCENTS)])


def pseudo_table(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: item if name == "change" else pseudo_table(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [pseudo_table(item, key) for item in value]
    return pseudo(value) if isinstance(value, str) and key not in NOT_WORDS else value


def left_over(shown: str) -> list[str]:
    """Plain English in what a page shows, the catalogue's notes and markup taken out."""
    for note in (*(card.note for card in MODELS.values()), *(task.note for task in TASKS.values())):
        shown = shown.replace(note, "")
    for name in (*(page.title for page in PAGES), *(task.title for task in TASKS.values())):
        shown = shown.replace(name, "").replace(name.lower(), "")
    shown = re.sub(r"<[^>]*>|\]\([^)]*\)|\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`", " | ", shown, flags=re.DOTALL)
    return ENGLISH.findall(shown)


@pytest.fixture
def in_pseudo_language(monkeypatch, tmp_path):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    read, table = texts.read.__wrapped__, texts.table.__wrapped__
    monkeypatch.setattr(texts, "read", lambda lesson, part: pseudo(read(lesson, part)))
    monkeypatch.setattr(texts, "table", lambda name: pseudo_table(table(name)))
    for module in ("claims", "beliefs", "clinic", "dials", "choose"):
        monkeypatch.setattr(f"lessons.panels.{module}.table", texts.table)
    monkeypatch.setattr("lessons.start.table", texts.table)
    monkeypatch.setattr("lessons.lesson.read", texts.read)
    monkeypatch.setattr("lessons.lesson.quiz", lambda *args, **kwargs: None)
    texts.glossary.cache_clear()
    yield
    texts.glossary.cache_clear()


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.path)
def test_no_english_is_left(page, in_pseudo_language):
    test = AppTest.from_string(f"from lessons.{page.module} import page; page()", default_timeout=60).run()
    assert not english(test)
    for choice in test.radio:  # causes of broken runs, and steps of the path
        choice.set_value(choice.options[-1])
    assert not english(test.run())


def english(test: AppTest) -> dict[str, str]:
    """Plain English -> what it stands in, over all that a page shows."""
    assert not test.exception
    shown = [element.value for kind in PROSE for element in getattr(test, kind)]
    shown += [text for kind in WIDGETS for element in test.get(kind) for text in (element.label, getattr(element, "help", "") or "")]
    return {words: text[:80] for text in shown if text for words in left_over(text)}


def test_a_record_with_predictions_is_translated(in_pseudo_language, monkeypatch):
    learner = "a" * 32
    monkeypatch.setattr("lessons.record.learner_id", lambda: learner)
    made = predictions.save(learner, "lora", {"answers": 3, "of": 4})
    predictions.score(made, {"answers": 4, "of": 4}, 0.75)
    progress.mark(learner, "lora", ["idea", "see"])
    test = AppTest.from_string("from lessons.record import page; page()", default_timeout=60).run()
    assert not english(test) and len(test.header) == 2


def test_the_test_sees_english():
    assert left_over("thé wórds but not these here") == ["but not these here"]
    assert pseudo("see [[term:rank|the rank]] in {{n}} $a + e$") == "séé [[term:rank|thé ránk]] ín {{n}} $a + e$"
