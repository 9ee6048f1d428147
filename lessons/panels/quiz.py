"""A lesson's quiz: a few questions, one after the other, each answer saved on its click and shown again after a reload."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lessons.panels.progress import done
from lessons.panels.question import Desk, ask, state_of
from lessons.panels.question_forms import aside
from lessons.text import label
from quizzes import bank
from quizzes.answers import CachedLog, MemoryLog, seed_for
from quizzes.schema import Question
from quizzes.sitting import Sitting, is_over
from quizzes.stored import StoreLog
from quizzes.variants import Variant, variant

VISITOR = "visitor"
"""Learner id of somebody without one; their answers end with the session."""


@st.fragment
def quiz(lesson: str, learner: str | None, count: int = 3, page: str = "/lora") -> None:
    """Show the first `count` questions of `lesson`: those answered with their feedback, then the next one.

    Args:
        lesson: Name in `quizzes.schema.PAGES`.
        learner: Whose answers to save and show; None for a visitor, who is remembered for the session only.
        count: Questions to ask.
        page: Address stored with each answer.
    """
    questions = bank.of_lesson(lesson)[:count]
    if not questions:
        st.info(label("quiz.none"))
        return
    log, who = answer_log(learner), learner or VISITOR
    shown: list[tuple[Variant, Sitting]] = []
    for number, question in enumerate(questions, start=1):
        desk = Desk(log, who, page, key=f"quiz-{question.id}", shortcuts=True)
        item = variant(question, seed_for(who, question.id))
        state = state_of(item, desk)
        over = is_over(state, item)
        with st.container(border=True, key=f"quiz-box-{question.id}"):
            aside(label("quiz.number", number=number, count=len(questions)))
            ask(item, state, desk._replace(shortcuts=not over))
        shown.append((item, state))
        if not over:
            return
    done(learner, lesson, "quiz")
    _summary(shown, questions)


def answer_log(learner: str | None) -> CachedLog:
    """The store for a learner, read once a session; for a visitor, this session alone."""
    name = "visitor-answers" if learner is None else f"answers-{learner}"
    if name not in st.session_state:
        st.session_state[name] = CachedLog(MemoryLog() if learner is None else StoreLog())
    log: CachedLog = st.session_state[name]
    return log


def _summary(shown: Sequence[tuple[Variant, Sitting]], questions: Sequence[Question]) -> None:
    first = sum(bool(state.tries) and state.tries[0].chosen.get("right") is True for _, state in shown)
    st.markdown(label("quiz.summary", first=first, count=len(questions)))
