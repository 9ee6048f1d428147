"""Today's queue, one question at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from engine.home import data_home
from lessons.panels.question import Desk, ask, moment, save, state_of
from lessons.panels.question_forms import aside
from lessons.text import say
from quizzes import bank, clock, packs
from quizzes.answers import Answer, CachedLog, in_force, seed_for
from quizzes.daily import DAILY_CAP, Today, today
from quizzes.progress import held, practised, streak
from quizzes.schedule import Schedule, advance, schedule
from quizzes.schema import Question
from quizzes.sitting import is_over, is_try, undo_row
from quizzes.variants import variant

PAGE = "/practice"
MORE = 10
"""Questions that "a few more" adds to the day."""


class _Open(NamedTuple):
    """The question that is on the screen, kept until the learner moves on."""

    question: str
    seed: int
    why: str
    """In words: why it comes now."""


def all_questions() -> dict[str, Question]:
    """The course's questions and those of the packs that were added here."""
    return {**bank.questions(), **packs.questions_of(packs.kept_packs(packs_folder()))}


def packs_folder() -> Path:
    """Where added packs live."""
    return data_home() / "packs"


@st.fragment
def today_panel(log: CachedLog, learner: str) -> None:
    """The open question, else the next one of today's queue, else what comes next."""
    questions = _questions()
    answers = log.load(learner)
    state = _schedule(answers)
    plan = today(questions, state, held(answers, questions), clock.now(), st.context.timezone, cap=_cap())
    days = practised(answers)
    day = clock.day_of(clock.now(), st.context.timezone)
    _headline(plan, streak(days, day))
    current = _current(plan, learner, questions)
    if current is None:
        _finished(plan)
    else:
        _question(current, questions[current.question], log, learner)
    _undo(log, learner, answers, day)


def _questions() -> dict[str, Question]:
    if "practice-questions" not in st.session_state:
        st.session_state["practice-questions"] = all_questions()
    found: dict[str, Question] = st.session_state["practice-questions"]
    return found


def _cap() -> int:
    return DAILY_CAP + int(st.session_state.get("practice-more", 0))


def _schedule(answers: Sequence[Answer]) -> Schedule:
    """The learner's schedule; a click only adds its own review to the one before."""
    before: Schedule | None = st.session_state.get("practice-schedule")
    now = clock.now()
    state = schedule(answers, now) if before is None else advance(before, answers, now)
    st.session_state["practice-schedule"] = state
    return state


def _current(plan: Today, learner: str, questions: dict[str, Question]) -> _Open | None:
    current: _Open | None = st.session_state.get("practice-open")
    if (current is None or current.question not in questions) and plan.queue:
        due = plan.queue[0]
        current = _Open(due.question, seed_for(learner, due.question, due.turn), _say(f"why.{due.why}", recall=f"{due.recall or 0.0:.0%}"))
        st.session_state["practice-open"] = current
    return current if current and current.question in questions else None


def _say(key: str, **values: object) -> str:
    return say("practice", key, **values)


def _headline(plan: Today, days_in_a_row: int) -> None:
    total = plan.done + len(plan.queue)
    st.progress(plan.done / total if total else 1.0, _say("today.progress", done=plan.done, all=total, days=days_in_a_row))


def _question(current: _Open, question: Question, log: CachedLog, learner: str) -> None:
    item = variant(question, current.seed)
    desk = Desk(log, learner, PAGE, key=f"practice-{question.id}-{current.seed}", shortcuts=True)
    state = state_of(item, desk)
    with st.container(border=True, key="practice-question"):
        aside(f"{_title(question)} · {current.why}")
        ask(item, state, desk)
        if is_over(state, item):
            st.button(_say("today.next"), key="practice-next", type="primary", shortcut="Enter", on_click=_next)
        elif state.tries:
            st.button(_say("today.leave"), key="practice-leave", on_click=_next)


def _title(question: Question) -> str:
    """The lesson's title; for an added pack, its name."""
    return next((pack.title for pack in bank.packs() if pack.name == question.lesson), question.lesson)


def _next() -> None:
    st.session_state.pop("practice-open", None)


def _finished(plan: Today) -> None:
    st.success(_say("today.finished"), icon=":material/check_circle:")
    more = st.session_state.get("practice-more", 0) + MORE
    st.button(_say("today.more"), key="practice-extra", on_click=lambda: st.session_state.update({"practice-more": more}))
    if plan.waiting:
        aside(_say("today.waiting", waiting=plan.waiting))


def _undo(log: CachedLog, learner: str, answers: Sequence[Answer], day: str) -> None:
    """Take back the last answer of today; it stays in the log, marked, and its question is open again."""
    tries = [a for a in in_force(answers) if is_try(a) and a.day == day and a.page == PAGE]
    if tries:
        st.button(_say("today.undo"), key="practice-undo", on_click=_take_back, args=(tries[-1], log, learner), type="tertiary")


def _take_back(answer: Answer, log: CachedLog, learner: str) -> None:
    desk = Desk(log, learner, PAGE, key="practice-undoing", shortcuts=False)
    if save(undo_row(answer, moment(desk)), desk):
        st.session_state["practice-open"] = _Open(answer.question, answer.seed, _say("why.undone"))
