"""What the answers of everybody on this machine say about the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lessons.panels.practice_today import all_questions
from lessons.panels.question_forms import aside
from lessons.text import say
from quizzes import bank
from quizzes.items import FEWEST_FOR_DISCRIMINATION, Item, Spread, items, spread, worst
from quizzes.schema import Question
from quizzes.stored import StoreLog


def report_panel() -> None:
    """The worst questions, all questions, and the misconceptions of the class."""
    questions = all_questions()
    with st.spinner(_say("reading")):
        answers = StoreLog().load_all()
        found = items(answers, questions)
    if not found:
        st.info(_say("none"))
        return
    st.subheader(_say("first"), anchor=False)
    aside(_say("discrimination", answers=FEWEST_FOR_DISCRIMINATION))
    st.dataframe(_rows(worst(found), questions), hide_index=True, key="report-worst")
    st.subheader(_say("ideas"), anchor=False)
    st.dataframe(_ideas(spread(answers, questions)), hide_index=True, key="report-ideas")
    with st.expander(_say("all", questions=len(found))):
        st.dataframe(_rows(found, questions), hide_index=True, key="report-all")


def _say(key: str, **values: object) -> str:
    return say("practice", f"report.{key}", **values)


def _rows(found: Sequence[Item], questions: Mapping[str, Question]) -> list[dict[str, object]]:
    return [
        {
            _say("columns.question"): item.question,
            _say("columns.asks"): questions[item.question].stem[:80],
            _say("columns.tries"): item.tries,
            _say("columns.right"): round(100 * item.right),
            _say("columns.discrimination"): None if item.discrimination is None else round(item.discrimination, 2),
            _say("columns.chosen"): ", ".join(f"{key}: {count}" for key, count in item.chosen.items()),
            _say("columns.unused"): ", ".join(item.unused),
            _say("columns.median"): round(item.median_seconds, 1),
        }
        for item in found
    ]


def _ideas(found: Sequence[Spread]) -> list[dict[str, object]]:
    names = bank.misconceptions()
    return [
        {
            _say("columns.idea"): names[entry.name].name if entry.name in names else entry.name,
            _say("columns.holders"): entry.holders,
            _say("columns.cured"): entry.cured,
            _say("columns.cures"): ", ".join(f"{question} ({count})" for question, count in entry.cures[:3]),
        }
        for entry in found
    ]
