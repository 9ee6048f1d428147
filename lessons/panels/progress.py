"""How far the learner is: a line under a lesson's title, and a sign beside each lesson in the rail."""

from __future__ import annotations

import json
from collections.abc import Mapping

import streamlit as st

from engine.store import progress
from engine.store.progress import NOTHING, LessonProgress
from lessons.arc import PARTS
from lessons.catalog import LESSONS, Page, onward
from lessons.text import label


def signs(known: Mapping[str, LessonProgress]) -> str:
    """Styles that write "3/9", or a tick, after the name of each lesson begun in the rail.

    Not st.Page's icon: Streamlit makes that the tab's icon too, and fetches it from a server on the internet.
    """
    rules = []
    for lesson in LESSONS:
        parts = len(known.get(lesson.path, NOTHING).parts)
        if parts:
            shown = "✓" if parts == len(PARTS) else f"{parts}/{len(PARTS)}"
            said = label("progress.sign", done=parts, parts=len(PARTS))
            rules.append(f'[data-testid="stSidebarNavLink"][href$="/{lesson.path}"]::after {{ content: "{shown}" / {json.dumps(said)}; }}')
    return f"<style>{' '.join(rules) or '/* no lesson begun */'}</style>"


def done(learner: str | None, lesson: str, part: str) -> None:
    """A part was done; written once a session."""
    key = f"done-{learner}-{lesson}-{part}"
    if learner is not None and not st.session_state.get(key):
        progress.mark(learner, lesson, [part])
        st.session_state[key] = True


def headline(lesson: str, learner: str | None) -> None:
    """Parts done and, for whoever comes back, where they stopped; on the first page a link to the lesson they were at."""
    known = progress.of(learner) if learner else {}
    if lesson == LESSONS[0].path and (page := left_at(known)) and page.path in st.session_state.get("pages", {}):
        title = label("progress.go_on", title=page.title)
        st.page_link(st.session_state["pages"][page.path], label=title, icon=":material/arrow_forward:")
    so_far = known.get(lesson, NOTHING)
    if not so_far.parts:
        return
    said = label("progress.line", done=len(so_far.parts), parts=len(PARTS), minutes=f"{so_far.seconds / 60:.0f}")
    if so_far.place in PARTS and so_far.place != next(iter(PARTS)):
        said += " · " + label("progress.resume", part=part_title(so_far.place), anchor=so_far.place)
    st.markdown(f":small[{said}]")


def left_at(known: Mapping[str, LessonProgress]) -> Page | None:
    """The lesson after the first that was last worked on; the one after it where all its parts are done. None at the beginning and the end."""
    begun = [page for page in LESSONS[1:] if known.get(page.path, NOTHING).parts]
    if not begun:
        return None
    last = max(begun, key=lambda page: known[page.path].last)
    if len(known[last.path].parts) < len(PARTS):
        return last
    after = onward(last.path)[0]
    return after if after in LESSONS else None


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
