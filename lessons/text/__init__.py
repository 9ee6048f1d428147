"""Prose from Markdown files, with numbers filled in and words coloured as the scene colours them.

A lesson's prose lies in lessons/text/<lesson>/<part>.md, so that it can be read and translated without code. In it,
`{{name}}` is filled from the caller, and `[[trainable|B]]` shows B in the colour of what is trainable;
`[[trainable:B|B]]` says besides that the word belongs to the part "B" of the scene.
"""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
MEANINGS = ("frozen", "trainable", "quantized", "base", "chosen", "rejected", "delta")
_VALUE = re.compile(r"\{\{(\w+)\}\}")
_WORD = re.compile(r"\[\[(\w+)(?::([^|\]]+))?\|([^\]]+)\]\]")


def prose(lesson: str, part: str, **values: object) -> None:
    """Show lessons/text/<lesson>/<part>.md. Raises as `read` and `fill` do."""
    st.markdown(fill(read(lesson, part), **values), unsafe_allow_html=True)


def words(markdown: str, **values: object) -> None:
    """Show one sentence or so that is not worth a file, with the same colours and values."""
    st.markdown(fill(markdown, **values), unsafe_allow_html=True)


@cache
def read(lesson: str, part: str) -> str:
    """The raw Markdown. Raises FileNotFoundError naming the file that is missing."""
    return (FOLDER / lesson / f"{part}.md").read_text("utf-8")


def fill(markdown: str, **values: object) -> str:
    """Markdown with values filled in (as text, never as HTML) and words coloured.

    Raises:
        KeyError: A `{{name}}` has no value, or a word has a meaning that is not in MEANINGS.
    """
    coloured = _WORD.sub(_word, markdown)
    return _VALUE.sub(lambda match: html.escape(str(values[match[1]]), quote=False), coloured)


def _word(match: re.Match[str]) -> str:
    meaning, scene_part, word = match.groups()
    if meaning not in MEANINGS:
        raise KeyError(f"{match[0]}: {meaning} is not one of {', '.join(MEANINGS)}")
    linked = f" dl-part-{html.escape(scene_part)}" if scene_part else ""
    return f'<span class="dl-word dl-{meaning}{linked}">{html.escape(word)}</span>'
