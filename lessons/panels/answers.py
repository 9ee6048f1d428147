"""Base and tuned answers to the same held-out prompts, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from engine.contracts import Answer
from lessons.text import label

SHOWN = 3


def answers_table(answers: Sequence[Answer], caption: str, shown: int = SHOWN) -> None:
    """The first few answers, the others behind a line to open. What a model said is text, never HTML."""
    if not answers:
        return
    st.html(table(answers[:shown], caption))
    if len(answers) > shown:
        with st.expander(label("answers.all", count=len(answers))):
            st.html(table(answers, caption))


def table(answers: Sequence[Answer], caption: str) -> str:
    """One row a prompt; a tick where the tuned answer passes the task's scorer, said in words as well."""
    rows = "".join(
        f'<tr><th scope="row">{escape(a.prompt)}</th>'
        f'<td data-label="{label("answers.before")}">{said(a.base)}</td>'
        f'<td data-label="{label("answers.after")}" class="dl-after">{said(a.tuned)} {_mark(a)}</td></tr>'
        for a in answers
    )
    head = "".join(
        f'<th scope="col"{kind}>{label(f"answers.{name}")}</th>'
        for name, kind in (("asked", ""), ("before", ' class="dl-base"'), ("after", ' class="dl-trainable"'))
    )
    return f'<table class="dl-answers"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def said(text: str) -> str:
    """What a model said, as text; nothing is said to be nothing."""
    return escape(text) or f"<i>{label('answers.nothing')}</i>"


def _mark(answer: Answer) -> str:
    if answer.good:
        return f'<span class="dl-mark dl-good" title="{escape(label("answers.passes"))}">{label("answers.taught")}</span>'
    return f'<span class="dl-mark" title="{escape(label("answers.fails"))}">{label("answers.not_taught")}</span>'
