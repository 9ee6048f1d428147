"""What the answers of everybody on this machine say about the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lessons.panels.practice_today import all_questions
from lessons.panels.question_forms import aside
from quizzes import bank
from quizzes.items import FEWEST_FOR_DISCRIMINATION, Item, Spread, items, spread, worst
from quizzes.schema import Question
from quizzes.stored import StoreLog


def report_panel() -> None:
    """The worst questions, all questions, and the misconceptions of the class."""
    questions = all_questions()
    with st.spinner("Reading all answers of this machine…"):
        answers = StoreLog().load_all()
        found = items(answers, questions)
    if not found:
        st.info("No answers yet. Once there are some, this page says which questions work and which ideas are held.")
        return
    st.subheader("Look at these first", anchor=False)
    aside(
        f"Discrimination: does whoever gets it right also get others right? Shown from {FEWEST_FOR_DISCRIMINATION} answers on; below 0.1 is poor."
    )
    st.dataframe(_rows(worst(found), questions), hide_index=True, key="report-worst")
    st.subheader("Ideas in the class", anchor=False)
    st.dataframe(_ideas(spread(answers, questions)), hide_index=True, key="report-ideas")
    with st.expander(f"All {len(found)} questions with answers"):
        st.dataframe(_rows(found, questions), hide_index=True, key="report-all")


def _rows(found: Sequence[Item], questions: Mapping[str, Question]) -> list[dict[str, object]]:
    return [
        {
            "question": item.question,
            "asks": questions[item.question].stem[:80],
            "tries": item.tries,
            "right, %": round(100 * item.right),
            "discrimination": None if item.discrimination is None else round(item.discrimination, 2),
            "chosen": ", ".join(f"{key}: {count}" for key, count in item.chosen.items()),
            "never chosen": ", ".join(item.unused),
            "median, s": round(item.median_seconds, 1),
        }
        for item in found
    ]


def _ideas(found: Sequence[Spread]) -> list[dict[str, object]]:
    names = bank.misconceptions()
    return [
        {
            "idea": names[entry.name].name if entry.name in names else entry.name,
            "held by": entry.holders,
            "mended for": entry.cured,
            "mended by": ", ".join(f"{question} ({count})" for question, count in entry.cures[:3]),
        }
        for entry in found
    ]
