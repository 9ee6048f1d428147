"""Prose from Markdown files, with numbers filled in, words coloured as the scene colours them, and terms explained.

A lesson's prose lies in lessons/text/<lesson>/<part>.md, so that it can be read and translated without code; short
labels lie in labels.toml, those of the tools in calculator.toml, practice.toml and question.toml; the words of the charts lie in
viz/words.toml. In prose, `{{name}}` is filled from the caller, `[[trainable|B]]` shows B in the colour of
what is trainable, `[[trainable:B|B]]` says besides that the word belongs to the part "B" of the scene, and
`[[term:rank|directions]]` explains the word by the glossary's entry "rank" when it is pointed at or reached by keyboard.
"""

from __future__ import annotations

import html
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from viz.words import VALUE, filled, find

FOLDER = Path(__file__).parent
MEANINGS = ("frozen", "trainable", "quantized", "base", "chosen", "rejected", "delta")
_WORD = re.compile(r"\[\[(\w+)(?::([^|\]]+))?\|([^\]]+)\]\]")


class Term(NamedTuple):
    """One entry of the glossary."""

    term: str
    """The field's usual name."""
    says: str
    """One or two sentences."""


def prose(lesson: str, part: str, **values: object) -> None:
    """Show lessons/text/<lesson>/<part>.md. Raises as `read` and `fill` do."""
    st.markdown(fill(read(lesson, part), **values), unsafe_allow_html=True)


def words(markdown: str, **values: object) -> None:
    """Show one sentence or so that is not worth a file, with the same colours and values."""
    st.markdown(fill(markdown, **values), unsafe_allow_html=True)


@cache
def read(lesson: str, part: str) -> str:
    """The raw Markdown. Raises FileNotFoundError naming the file that is missing."""
    return source(FOLDER / lesson / f"{part}.md")


def has(lesson: str, part: str) -> bool:
    """Whether a lesson has prose for a part."""
    return (FOLDER / lesson / f"{part}.md").exists()


@cache
def table(name: str) -> dict[str, Any]:
    """A file of short texts, lessons/text/<name>.toml; empty where there is none."""
    path = FOLDER / f"{name}.toml"
    return tomllib.loads(source(path)) if path.exists() else {}


def source(path: Path) -> str:
    """Every text of the course but the words of its charts, viz/words.toml, comes through here."""
    return path.read_text("utf-8")


def label(key: str, /, **values: object) -> str:
    """A short text of labels.toml by its dotted name, values filled in as they are. Raises KeyError for an unknown name."""
    return say("labels", key, **values)


def say(name: str, key: str, /, **values: object) -> str:
    """A short text of lessons/text/<name>.toml by its dotted name, as `label` does."""
    return filled(find(table(name), key), values)


@cache
def glossary() -> dict[str, Term]:
    """Key -> term, in the order of the file."""
    return {key: Term(entry["term"], entry["says"]) for key, entry in table("glossary").items()}


def fill(markdown: str, **values: object) -> str:
    """Markdown with values filled in (as text, never as HTML), words coloured and terms explained.

    A number that is not there says so in its place: recorded data may be missing, and the sentence around it still teaches.

    Raises:
        KeyError: A word has a meaning that is not in MEANINGS, or a term is not in the glossary.
    """
    coloured = _WORD.sub(_word, markdown)
    return VALUE.sub(lambda match: html.escape(str(_value(match[1], values)), quote=False), coloured)


def _value(name: str, values: dict[str, object]) -> object:
    return values[name] if name in values else label("text.no_number")


def _word(match: re.Match[str]) -> str:
    meaning, scene_part, word = match.groups()
    if meaning == "term":
        return _term(scene_part, word)
    if meaning not in MEANINGS:
        raise KeyError(f"{match[0]}: {meaning} is not one of {', '.join(MEANINGS)}")
    linked = f" dl-part-{html.escape(scene_part)}" if scene_part else ""
    return f'<span class="dl-word dl-{meaning}{linked}">{html.escape(word)}</span>'


def _term(key: str, word: str) -> str:
    """The word, which can be reached by keyboard, and beside it what it means, shown while it is pointed at or focused."""
    if key not in glossary():
        raise KeyError(f"[[term:{key}|{word}]]: {key} is not in the glossary")
    tip = f"dl-tip-{html.escape(key)}"
    return (
        f'<span class="dl-term-place"><dfn class="dl-term" tabindex="0" aria-describedby="{tip}">{html.escape(word)}</dfn>'
        f'<span class="dl-tip" role="tooltip" id="{tip}">{html.escape(glossary()[key].says, quote=False)}</span></span>'
    )
