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

from engine import jobs
from lessons.catalog import LESSONS, find, number
from lessons.text import label

PARTS = ("predict", "idea", "see", "run", "read", "claims", "break", "code", "quiz")
"""Anchors in the order of the arc; questions and links rely on them. Their headings stand in labels.toml."""
RECENT = 20
"""Runs that are looked through for live ones: more than the queue holds."""
PROJECTOR_PERCENT = 140
"""Of the usual type; all sizes of the page are multiples of it."""


def header(path: str, title: str | None = None, lead: str = "") -> None:
    """Where one is in the course, the page's title and, if given, one sentence of what it is about.

    Raises:
        KeyError: No page has that path.
    """
    page, place = find(path), number(path)
    with st.container(key="header", gap=None):
        if place is not None:
            with st.container(key="header-row", horizontal=True, vertical_alignment="center"):
                st.caption(label("arc.place", place=place, lessons=len(LESSONS), minutes=page.minutes))
                _tools()
        st.title(title or page.title, anchor=False)
        if lead:
            st.markdown(lead)


def _tools() -> None:
    """The way to the runs, with the number of those that wait or train, and large type for a projector."""
    pages = st.session_state.get("pages", {})
    if "runs" in pages:
        live = sum(run.live for run in jobs.recent(RECENT))
        st.page_link(pages["runs"], label=label("arc.live_runs", live=live) if live else label("arc.runs"), width="content")
    if st.toggle(label("arc.projector"), key="projector", persist_state="session", help=label("arc.projector_help"), width="content"):
        st.html(f"<style>:root {{ font-size: {PROJECTOR_PERCENT}% }}</style>")


@contextmanager
def body() -> Iterator[None]:
    """The page under its header: one column of text, and the stage beside it where there is room."""
    with st.container(key="lesson", gap=None):
        yield


@contextmanager
def part(anchor: str) -> Iterator[None]:
    """One part of the arc under its heading. Raises KeyError for an anchor that has no heading."""
    with st.container(key=f"part-{anchor}"):
        st.header(label(f"parts.{anchor}"), anchor=anchor)
        yield


@contextmanager
def stage_place() -> Iterator[None]:
    """Where the picture goes. Call it just before the part it belongs to, normally `see`, and once a page."""
    with st.container(key="stage-place"):
        yield
