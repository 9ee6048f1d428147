"""One question on a page: ask, save the click, say what there is to say. Used by the lessons' quizzes and by practice."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import streamlit as st

from engine.contracts import DeltaLabError
from lessons import catalog
from lessons.panels import question_forms
from lessons.text import say
from quizzes import clock
from quizzes.answers import CONFIDENCES, Answer, AnswerLog
from quizzes.grading import Chosen, Grade, grade
from quizzes.schema import Number, Recall
from quizzes.sitting import Moment, Sitting, answer_row, is_over, note_row, repeats, sitting
from quizzes.variants import Variant


class Desk(NamedTuple):
    """What a question needs around it."""

    log: AnswerLog
    learner: str
    page: str
    key: str
    """Prefix of widget keys: unique on the page."""
    shortcuts: bool
    """Keys 1 to 9, Enter and H work: for the one question that is open on the page."""
    answered: Callable[[Answer], None] = lambda _: None
    """Told of each row after it is saved."""


def ask(variant: Variant, state: Sitting, desk: Desk) -> None:
    """Show one question in the state that the log knows."""
    over = is_over(state, variant)
    if not over:
        st.session_state.setdefault(f"{desk.key}-from", time.monotonic())
    _stem(variant)
    if not over and not state.tries:
        _ask_confidence(desk)
    question_forms.show(variant, state, over, desk, lambda chosen: _answer(variant, chosen, desk))
    _remarks(variant, state, over, desk)
    if over:
        _after(variant, state)
    else:
        _help(variant, state, desk)


def state_of(variant: Variant, desk: Desk) -> Sitting:
    """Where the learner stands, read from the log."""
    return sitting(desk.log.load(desk.learner, variant.question.id), variant.question.id, variant.seed)


def moment(desk: Desk, hints: int = 0) -> Moment:
    """Now, here, and by whom."""
    at = clock.now()
    confidence = st.session_state.get(f"{desk.key}-confidence")
    seconds = time.monotonic() - st.session_state.get(f"{desk.key}-from", time.monotonic())
    return Moment(
        desk.learner,
        desk.page,
        at,
        clock.day_of(at, st.context.timezone),
        confidence if confidence in CONFIDENCES else None,
        hints,
        round(seconds, 1),
    )


def save(row: Answer, desk: Desk) -> bool:
    """Keep a row; where the store refuses, say so and keep the question open."""
    try:
        desk.log.save(row)
    except DeltaLabError as error:
        st.session_state[f"{desk.key}-problem"] = _say("said.not_saved", problem=error)
        return False
    desk.answered(row)
    return True


def _say(key: str, **values: object) -> str:
    return say("question", key, **values)


def _answer(variant: Variant, chosen: Chosen, desk: Desk) -> None:
    st.session_state.pop(f"{desk.key}-problem", None)
    state = state_of(variant, desk)
    if is_over(state, variant) or repeats(state, chosen):
        return  # the second click of a double click, or Enter on a button that was about to go
    if "draft" in chosen:
        _note(variant, dict(chosen), desk)
        return
    row, verdict = answer_row(variant, chosen, state, moment(desk, _hints_seen(state, desk)))
    if row is None:
        what = question_forms.number_problem(verdict.problem) if verdict.problem else _say("said.choose_first")
        st.session_state[f"{desk.key}-problem"] = what
    else:
        save(row, desk)


def _note(variant: Variant, note: dict[str, object], desk: Desk) -> None:
    save(note_row(variant, note, moment(desk)), desk)


def _stem(variant: Variant) -> None:
    question = variant.question
    st.markdown(question.stem)
    if question.listing:
        st.code(question.listing, language=question.language, line_numbers=question.kind == "fault")
    if variant.plot is not None:
        question_forms.chart(variant.plot, _origin(question.source), f"chart-{question.id}-{variant.seed}")
    if _is_here(question.run):
        st.markdown(_say("about.run", address=question.run))


def _is_here(address: str) -> bool:
    """There is a page at the address: a link never leads nowhere."""
    return re.split("[?#]", address)[0] in _addresses()


@cache
def _addresses() -> frozenset[str]:
    return frozenset(f"/{page.path}" for page in catalog.existing())


def _origin(source: str) -> str:
    """Truth label of a question's chart: made up to explain, or from a source that is named."""
    if source.startswith("An illustration"):
        return "illustration"
    return _say("about.chart", source=source[0].lower() + source[1:] if source.startswith("Trials") else source)


def _ask_confidence(desk: Desk) -> None:
    st.segmented_control(
        _say("confidence.asks"),
        CONFIDENCES,
        format_func=lambda word: _say(f"confidence.{word}"),
        key=f"{desk.key}-confidence",
    )


def _hints_seen(state: Sitting, desk: Desk) -> int:
    return max(state.hints, int(st.session_state.get(f"{desk.key}-hints", 0)))


def _help(variant: Variant, state: Sitting, desk: Desk) -> None:
    hints = variant.question.hints
    seen = min(_hints_seen(state, desk), len(hints))
    for number, hint in enumerate(hints[:seen], start=1):
        st.info(_say("hints.hint", number=number, hint=hint), icon=":material/lightbulb:")
    with st.container(horizontal=True):
        if seen < len(hints):
            st.button(
                _say("hints.ask", number=seen + 1, hints=len(hints)),
                key=f"{desk.key}-hint",
                on_click=lambda: st.session_state.update({f"{desk.key}-hints": seen + 1}),
                help=_say("hints.help"),
                shortcut="H" if desk.shortcuts else None,
            )
        if state.tries:
            st.button(_say("hints.show"), key=f"{desk.key}-show", on_click=_note, args=(variant, {"shown": True}, desk))


def _remarks(variant: Variant, state: Sitting, over: bool, desk: Desk) -> None:
    """What is said about the last try; options have theirs beside them."""
    if problem := st.session_state.get(f"{desk.key}-problem"):
        st.warning(problem)
    if not state.tries:
        return
    last = state.tries[-1]
    verdict = grade(variant, last.chosen)
    if isinstance(variant.question.body, Recall):
        st.info(_say("said.recall", credit=f"{verdict.credit:.0%}"))
    elif verdict.right:
        how = "said.right" if last.credit == 1.0 else "said.right_less"
        st.success(_say(how, credit=f"{last.credit:.0%}"), icon=":material/check_circle:")
    elif over:
        st.error(_say("said.over"), icon=":material/cancel:")
    else:
        st.warning(_again(verdict), icon=":material/refresh:")
    if isinstance(variant.question.body, Number):
        if verdict.problem:
            st.markdown(question_forms.number_problem(verdict.problem))
        for remark in verdict.remarks:
            st.markdown(remark.text)


def _again(verdict: Grade) -> str:
    return _say("said.again_part" if verdict.credit else "said.again", credit=f"{verdict.credit:.0%}")


def _after(variant: Variant, state: Sitting) -> None:
    question = variant.question
    body = question.body
    if isinstance(body, Number) and not state.right:
        unit = body.unit.replace("$", "\\$")
        st.markdown(_say("said.answer", answer=_rounded(variant.answer), unit=unit))
    if question.explanation:
        st.markdown(question.explanation)
    where = _say("about.taught", address=f"{question.page}#{question.part}") if _is_here(question.page) else ""
    question_forms.aside(where + _say("about.source", source=question.source))


def _rounded(value: Any) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:,.4g}"
