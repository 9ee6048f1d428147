"""The calculator: will it fit, how long, what does it cost, and how wrong can this answer be."""

from __future__ import annotations

import streamlit as st

from engine.contracts import SpecError
from engine.planner.answer import Answer, cached_answer
from engine.planner.options import read_options
from lessons import arc
from lessons.panels import planner_accuracy, planner_ask, planner_compare, planner_fit, planner_sum, planner_trace, planner_verdict
from lessons.text import say

PAGE = "calculator"
SECTIONS = {
    "fit": planner_fit.ways_to_fit,
    "sum": planner_sum.terms,
    "map": planner_fit.batch_and_length,
    "compare": planner_compare.compare,
    "claims": planner_compare.claims,
    "trace": planner_trace.trace,
    "accuracy": planner_accuracy.accuracy,
    "take": planner_sum.take_away,
}
"""Their names stand in calculator.toml."""


def page() -> None:
    """Verdict first, then the question, then one section at a time."""
    arc.header(PAGE)
    st.caption(say(PAGE, "page.lead"))
    top = st.container(key="calculator-verdict")
    values = planner_ask.ask()
    found = _answer(values, top)
    if found is None:
        return
    with top:
        planner_verdict.verdict(found)
    chosen = st.segmented_control(
        say(PAGE, "page.look"),
        list(SECTIONS),
        default="fit",
        format_func=lambda section: say(PAGE, f"sections.{section}"),
        key="calculator-section",
        label_visibility="collapsed",
    )
    SECTIONS[chosen or "fit"](found)


def _answer(values: dict[str, object], place: object) -> Answer | None:
    try:
        return cached_answer(read_options(values))
    except SpecError as error:
        with place:  # type: ignore[attr-defined]
            for problem in error.problems:
                st.error(problem)
        return None
