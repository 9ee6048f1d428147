"""Practice: ten minutes a day, and everything that can be done with questions and answers."""

from __future__ import annotations

import streamlit as st

from lessons import arc
from lessons.panels import practice_files, practice_packs, practice_progress, practice_report
from lessons.panels.practice_today import today_panel
from lessons.panels.quiz import VISITOR, answer_log
from lessons.stage.learner import learner_id
from lessons.text import say

PAGE = "practice"
VIEWS = ("today", "progress", "history", "take-along", "own-questions", "report")


def page() -> None:
    """One view at a time; the address remembers which (?view=progress)."""
    arc.header(PAGE)
    st.markdown(say(PAGE, "page.lead"))
    learner = learner_id()
    log, who = answer_log(learner), learner or VISITOR
    log.forget()  # another tab or another machine may have written since
    view = _view()
    if view == "today":
        today_panel(log, who)
    elif view == "progress":
        practice_progress.progress_panel(log.load(who))
    elif view == "history":
        practice_files.history_panel(log, who)
    elif view == "take-along":
        practice_files.take_along_panel()
    elif view == "own-questions":
        practice_packs.packs_panel()
    else:
        practice_report.report_panel()


def _view() -> str:
    asked = st.query_params.get("view", "today")
    chosen = st.segmented_control(
        say(PAGE, "page.show"),
        VIEWS,
        default=asked if asked in VIEWS else "today",
        format_func=lambda view: say(PAGE, f"views.{view}"),
        key="practice-view",
        required=True,
    )
    view = chosen or "today"
    st.query_params["view"] = view
    return view
