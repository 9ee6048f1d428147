"""The calculator: will it fit, how long, what does it cost, and how wrong can this answer be."""

from __future__ import annotations

import streamlit as st

from engine.contracts import SpecError
from engine.planner.answer import Answer, cached_answer
from engine.planner.options import read_options
from lessons import arc
from lessons.panels import planner_accuracy, planner_ask, planner_compare, planner_fit, planner_sum, planner_trace, planner_verdict

PAGE = "calculator"
SECTIONS = {
    "Make it fit": planner_fit.ways_to_fit,
    "The sum": planner_sum.terms,
    "Batch and length": planner_fit.batch_and_length,
    "Compare": planner_compare.compare,
    "Claims": planner_compare.claims,
    "Trace": planner_trace.trace,
    "How wrong": planner_accuracy.accuracy,
    "Take away": planner_sum.take_away,
}


def page() -> None:
    """Verdict first, then the question, then one section at a time."""
    arc.header(PAGE)
    st.caption("Will it fit, how long will it take, what does it cost, and how wrong can this answer be?")
    top = st.container(key="calculator-verdict")
    values = planner_ask.ask()
    found = _answer(values, top)
    if found is None:
        return
    with top:
        planner_verdict.verdict(found)
    chosen = st.segmented_control(
        "Look closer", list(SECTIONS), default="Make it fit", key="calculator-section", label_visibility="collapsed"
    )
    SECTIONS[chosen or "Make it fit"](found)


def _answer(values: dict[str, object], place: object) -> Answer | None:
    try:
        return cached_answer(read_options(values))
    except SpecError as error:
        with place:  # type: ignore[attr-defined]
            for problem in error.problems:
                st.error(problem)
        return None
