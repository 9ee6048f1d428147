"""The frame that every lesson page shares: a header line, the parts of the arc with their anchors, a place for the stage.

def page() -> None:
    arc.header("lora")
    with arc.body():
        with arc.part("predict"): ...
        with arc.part("idea"): ...
        with arc.stage_place():      # right of the text on a wide screen, where it stays in view;
            stage(...)               # above the next part on a narrow one
        with arc.part("see"): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lessons.catalog import LESSONS, find, number

PARTS: dict[str, str] = {
    "predict": "Predict",
    "idea": "Idea",
    "see": "See",
    "run": "Run",
    "read": "Read your run",
    "claims": "Claims",
    "break": "Break it",
    "code": "Code",
    "quiz": "Quiz",
}
"""Anchor -> heading, in the order of the arc. Questions and links rely on the anchors."""


def header(path: str, title: str | None = None, lead: str = "") -> None:
    """Where one is in the course, the page's title and, if given, one sentence of what it is about.

    Raises:
        KeyError: No page has that path.
    """
    page, place = find(path), number(path)
    with st.container(key="header", gap=None):
        if place is not None:
            st.caption(f"Lesson {place} of {len(LESSONS)} · {page.minutes} min")
        st.title(title or page.title, anchor=False)
        if lead:
            st.markdown(lead)


@contextmanager
def body() -> Iterator[None]:
    """The page under its header: one column of text, and the stage beside it where there is room."""
    with st.container(key="lesson", gap=None):
        yield


@contextmanager
def part(anchor: str) -> Iterator[None]:
    """One part of the arc under its heading. Raises KeyError for an anchor that is not in PARTS."""
    title = PARTS[anchor]
    with st.container(key=f"part-{anchor}"):
        st.header(title, anchor=anchor)
        yield


@contextmanager
def stage_place() -> Iterator[None]:
    """Where the picture goes. Call it just before the part it belongs to, normally `see`, and once a page."""
    with st.container(key="stage-place"):
        yield
