"""Boxes of three lines: what many believe, what is true and where it stands, and what was measured here."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from lessons.panels.measured import measured
from lessons.text import fill, label, table


class Belief(NamedTuple):
    """One box of lessons/text/<lesson>/beliefs.toml."""

    believed: str
    true: str
    paper: str
    """Authors, year, arXiv id, section."""
    measured: str = ""
    """With `{{name}}` for recorded numbers and for those of the page."""


def beliefs(lesson: str, **values: object) -> None:
    """All boxes of a lesson. Numbers come from `values`, which the page computed, and from recorded runs."""
    numbers = {**measured(), **values}
    for place, belief in enumerate(of_lesson(lesson)):
        with st.container(border=True, key=f"belief-{place}"):
            st.markdown(f"{label('beliefs.believed')} “{fill(belief.believed, **numbers)}”", unsafe_allow_html=True)
            st.markdown(f"{label('beliefs.true')} {fill(belief.true, **numbers)}", unsafe_allow_html=True)
            if belief.measured:
                st.markdown(f"{label('beliefs.measured')} {fill(belief.measured, **numbers)}", unsafe_allow_html=True)
            st.caption(belief.paper)


def of_lesson(lesson: str) -> tuple[Belief, ...]:
    """The boxes of a lesson, in the order of its file."""
    rows: list[dict[str, Any]] = table(f"{lesson}/beliefs").get("belief", [])
    return tuple(Belief(**row) for row in rows)
