"""What the browser tells of reading: which parts stood in view for some seconds, and how long the page was in use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from engine.store import progress
from lessons.arc import PARTS

ACTED = ("predict", "run", "quiz")
"""Parts that are done by doing them; the others by having been in view."""
LONGEST_SECONDS = 120.0
"""What one report may claim."""


@st.fragment
def watch_reading(lesson: str, learner: str | None) -> None:
    """Keep time and place of a learner on a lesson. Shows nothing, and reruns nothing but itself."""
    if learner is None:
        return
    with st.container(key="reading-watch"):
        state = _component()(key=f"reading-{lesson}", data={"lesson": lesson}, on_reading_change=_nothing_to_do)
    _keep(lesson, learner, state.get("reading") or {})


def _keep(lesson: str, learner: str, said: Mapping[str, Any]) -> None:
    """Store a report once. What a browser sends is checked: it becomes keys in the store."""
    number, seconds, place = said.get("number"), said.get("seconds"), said.get("place")
    handled = (said.get("watch"), number)
    if not isinstance(number, int) or st.session_state.get(f"reading-handled-{lesson}") == handled:
        return
    st.session_state[f"reading-handled-{lesson}"] = handled
    spent = min(float(seconds), LONGEST_SECONDS) if isinstance(seconds, (int, float)) and seconds > 0 else 0.0
    progress.spend(learner, lesson, spent, place if place in PARTS else None)
    seen = [part for part in said.get("seen") or [] if part in PARTS and part not in ACTED]
    if seen:
        progress.mark(learner, lesson, seen)


@cache
def _component() -> Any:
    """Registered once a process."""
    return st.components.v2.component("deltalab_reading", js=Path(__file__).with_name("reading.js").read_text("utf-8"))


def _nothing_to_do() -> None:
    """Streamlit wants a callback for each state a component reports."""
