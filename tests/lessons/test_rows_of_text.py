"""Prose beyond single Markdown files: boxes, cases and claims in tables, and what a page shows in a row with nothing to do between."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from lessons.catalog import LESSONS
from lessons.text import FOLDER
from tests.lessons.prose import entries, grade, plain, words

MOST_WORDS = 200
HIGHEST_GRADE = 11.0
ENOUGH_WORDS = 40
ENTRIES = entries()
PASSIVE = {"caption", "subheader", "title", "html", "divider"}
"""Elements that are nothing to do; what is no words and not among them is looked at or used, and ends a row."""
FINDINGS = re.compile(
    "|".join(
        re.sub(r"\\{\\{\w+\\}\\}", ".+", re.escape(path.read_text("utf-8")[: path.read_text("utf-8").index("**", 2)]))
        for path in (FOLDER / "read").glob("*.md")
    )
)
"""How the sentences on a run begin; which of them are shown, and so how many, is up to the run."""


@pytest.mark.parametrize("text", [text for _, text in ENTRIES], ids=[name for name, _ in ENTRIES])
def test_tables_are_short_and_plain(text):
    assert len(words(text)) <= MOST_WORDS
    assert not re.search(r"\b(simply|obviously|trivial|trivially|of course)\b", text, re.I)
    if len(words(text)) >= ENOUGH_WORDS:
        assert grade(text) <= HIGHEST_GRADE


def test_tables_are_read():
    texts = dict(ENTRIES)
    assert "The learning rate is too low for LoRA" in texts["lora-break-fault-0"]
    assert "32.5 GB" in texts["qlora-beliefs-belief-0"] and "2305.14314" not in texts["qlora-beliefs-belief-0"]
    assert len(ENTRIES) > 100


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.path)
def test_at_most_200_words_in_a_row(page, tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.setattr("lessons.lesson.quiz", lambda *args, **kwargs: None)
    test = AppTest.from_string(f"from lessons.{page.module} import page; page()", default_timeout=60).run()
    assert not test.exception
    counts = list(rows(test.main))
    assert max(counts) <= MOST_WORDS and sum(counts) > 300


def test_rows_are_counted():
    script = "import streamlit as st\nst.markdown('one two')\nst.markdown('three')\nst.button('go')\nst.markdown('four')"
    assert list(rows(AppTest.from_string(script).run().main)) == [3, 1]


def rows(page: Block) -> Iterator[int]:
    """Words of prose between two things to do or to look at; a heading and a box with a border begin anew."""
    count = 0
    for node in nodes(page):
        if node.type == "markdown" and not is_table(node.value):
            count += words_of(node.value)
        elif begins_anew(node):
            yield count
            count = 0
    yield count


def is_table(markdown: str) -> bool:
    """Numbers to look at, as a picture is."""
    return "\n|" in markdown or "<table" in markdown


def begins_anew(node) -> bool:
    if isinstance(node, Block):
        return node.type in ("expander", "tab_container") or bool(getattr(getattr(node.proto, "flex_container", None), "border", False))
    return node.type not in PASSIVE


def words_of(markdown: str) -> int:
    """Of running text: tips on terms and the sentences on a run are left out."""
    if markdown.startswith("<") or FINDINGS.match(markdown):
        return 0
    text = re.sub(r'<span class="dl-tip".*?</span>|<[^>]*>', "", markdown)
    return len(words(plain(text)))


def nodes(block: Block) -> Iterator:
    """Everything on the page in its order; what stands behind a line to open is opened for its own sake."""
    for node in block.children.values():
        yield node
        if isinstance(node, Block) and node.type != "expander":
            yield from nodes(node)
