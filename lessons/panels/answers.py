"""Base and tuned answers to the same held-out prompts, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from engine.contracts import Answer

SHOWN = 3


def answers_table(answers: Sequence[Answer], caption: str, shown: int = SHOWN) -> None:
    """The first few answers, the others behind a line to open. What a model said is text, never HTML."""
    if not answers:
        return
    st.html(table(answers[:shown], caption))
    if len(answers) > shown:
        with st.expander(f"All {len(answers)} answers"):
            st.html(table(answers, caption))


def table(answers: Sequence[Answer], caption: str) -> str:
    """One row a prompt; a tick where the tuned answer passes the task's scorer, said in words as well."""
    rows = "".join(
        f'<tr><th scope="row">{escape(a.prompt)}</th>'
        f'<td data-label="before">{escape(a.base) or "<i>nothing</i>"}</td>'
        f'<td data-label="after" class="dl-after">{escape(a.tuned) or "<i>nothing</i>"} {_mark(a)}</td></tr>'
        for a in answers
    )
    head = '<tr><th scope="col">asked</th><th scope="col" class="dl-base">before</th><th scope="col" class="dl-trainable">after</th></tr>'
    return f'<table class="dl-answers"><caption>{escape(caption)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>'


def _mark(answer: Answer) -> str:
    if answer.good:
        return '<span class="dl-mark dl-good" title="passes the task\'s scorer">✓ as taught</span>'
    return '<span class="dl-mark" title="does not pass the task\'s scorer">not as taught</span>'
