"""How far the learner is: a line under a lesson's title, and a sign beside each lesson in the rail."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.store import progress
from engine.store.progress import NOTHING, LessonProgress
from lessons.arc import PARTS
from lessons.catalog import LESSONS
from lessons.text import label

SIGNS = ((1.0, "check_circle"), (0.8, "clock_loader_80"), (0.6, "clock_loader_60"), (0.4, "clock_loader_40"), (0.01, "clock_loader_20"))


def sign(so_far: LessonProgress | None) -> str:
    """Icon of a lesson in the rail: an open ring, a filling one, a tick."""
    share = len((so_far or NOTHING).parts) / len(PARTS)
    return next((f":material/{name}:" for least, name in SIGNS if share >= least), ":material/radio_button_unchecked:")


def done(learner: str | None, lesson: str, part: str) -> None:
    """A part was done; written once a session."""
    key = f"done-{learner}-{lesson}-{part}"
    if learner is not None and not st.session_state.get(key):
        progress.mark(learner, lesson, [part])
        st.session_state[key] = True


def headline(lesson: str, learner: str | None) -> None:
    """Parts done and, for whoever comes back, where they stopped."""
    so_far = progress.of(learner).get(lesson, NOTHING) if learner else NOTHING
    if not so_far.parts:
        return
    said = label("progress.line", done=len(so_far.parts), parts=len(PARTS), minutes=f"{so_far.seconds / 60:.0f}")
    if so_far.place in PARTS and so_far.place != next(iter(PARTS)):
        said += " · " + label("progress.resume", part=part_title(so_far.place), anchor=so_far.place)
    st.markdown(f":small[{said}]")


def rail(known: Mapping[str, LessonProgress], lesson: str) -> None:
    """The course so far in words, under the list of pages."""
    parts = sum(len(so_far.parts) for so_far in known.values())
    if not parts:
        return
    said = [label("progress.lesson", done=len(known[lesson].parts), parts=len(PARTS))] if lesson in known else []
    minutes = f"{sum(so_far.seconds for so_far in known.values()) / 60:.0f}"
    said.append(label("progress.course", done=parts, parts=len(PARTS) * len(LESSONS), minutes=minutes))
    st.sidebar.markdown(":small[:gray[" + "  \n".join(said) + "]]")


def part_title(part: str | None) -> str:
    return label(f"parts.{part}") if part else ""
