"""The widgets of each kind of question. A form calls `answer` with what was chosen, and knows nothing of saving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import streamlit as st

from lessons.stage import stage
from lessons.stage.scene import Scene
from lessons.text import say
from quizzes.grading import Chosen
from quizzes.schema import Match, Number, Option, Order, Pick, Recall
from quizzes.sitting import Sitting
from quizzes.units import Problem
from quizzes.variants import Plot, Variant
from viz.question_chart import describe_question_chart, draw_question_chart, get_question_chart_info, question_chart_table


class DeskLike(Protocol):
    """The part of `question.Desk` that forms use."""

    @property
    def key(self) -> str: ...
    @property
    def shortcuts(self) -> bool: ...


Send = Callable[[Chosen], None]
_STYLE = """<style>
[class*="-option-"] button, [class*="-item-"] button { justify-content: space-between; text-align: left; }
[class*="-option-"] button > div, [class*="-item-"] button > div { width: 100%; justify-content: space-between; text-align: left; }
button kbd { opacity: 1 !important; color: inherit !important; }
</style>"""


def show(variant: Variant, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    """The form that fits the question's body."""
    st.html(_STYLE)
    match variant.question.body:
        case Pick(several=False) as body:
            _single(variant, body, state, over, desk, answer)
        case Pick() as body:
            _several(variant, body, state, over, desk, answer)
        case Number() as body:
            _number(body, state, over, desk, answer)
        case Order() as body:
            _order(variant, body, state, over, desk, answer)
        case Match() as body:
            _match(variant, body, state, over, desk, answer)
        case Recall() as body:
            _recall(body, state, over, desk, answer)


def aside(text: str) -> None:
    """A line in small type; unlike a caption's faded text it keeps the contrast that small type needs."""
    st.markdown(f":small[:gray[{text}]]")


def chart(plot: Plot, origin: str, key: str) -> None:
    """The picture; its words and its numbers as a table come with the stage."""
    shape = plot.chart
    series = [(s.name, s.x, values) for s, values in zip(shape.series, plot.values, strict=True)]
    info = get_question_chart_info(shape.style, (shape.title, shape.x_title, shape.y_title), series, origin, shape.log_x, shape.log_y)
    tables = (question_chart_table(info),)
    stage(Scene(draw_question_chart(info), shape.title, origin, describe_question_chart(info), tables, height_px=320), key=key)


def number_problem(problem: Problem) -> str:
    """What was wrong with a number that was typed, in words."""
    if problem.kind == "no_number":
        return _say("number.no_number_unit" if problem.wanted else "number.no_number", typed=problem.typed, wanted=problem.wanted)
    names = {"": "bare", "x": "times", "%": "percent"}
    wanted = _say(f"number.{names[problem.wanted]}") if problem.wanted in names else problem.wanted
    measures = _say(f"measures.{problem.measures}") if problem.measures else ""
    return _say(f"number.{problem.kind}", typed=problem.typed, wanted=wanted, measures=measures)


def _say(key: str, **values: object) -> str:
    return say("question", key, **values)


def _digit(desk: DeskLike, number: int, on: bool) -> str | None:
    return str(number) if desk.shortcuts and on and number <= 9 else None


def _label(desk: DeskLike, number: int, text: str) -> str:
    """The digit stands beside the text where the key works, put there by Streamlit; where it doesn't, there is none."""
    return text if desk.shortcuts and number <= 9 else f"**{number}** {text}"


def _mark(option: Option, good: bool, picked: bool) -> None:
    """An option after it was answered: its state in words and a sign, not in colour alone."""
    sign = ":material/check:" if good else (":material/close:" if picked else ":material/remove:")
    state = "yours_right" if good and picked else "right" if good else "yours" if picked else ""
    st.markdown(f"{sign} **{option.text}**" + (f" — *{_say(f'option.{state}')}*" if state else "") + f"  \n{option.feedback}")


def _single(variant: Variant, body: Pick, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    options = {option.key: option for option in body.options}
    picked = {key for row in state.tries for key in _list(row.chosen.get("picked"))}
    for number, key in enumerate(variant.shown, start=1):
        option = options[key]
        if over or key in picked:
            _mark(option, option.correct, key in picked)
            continue
        st.button(
            _label(desk, number, option.text),
            key=f"{desk.key}-option-{key}",
            on_click=answer,
            args=({"picked": [key]},),
            shortcut=_digit(desk, number, True),
            width="stretch",
            wrap=True,
        )


def _several(variant: Variant, body: Pick, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    options = {option.key: option for option in body.options}
    last = set(_list(state.tries[-1].chosen.get("picked"))) if state.tries else set()
    if over:
        for key in variant.shown:
            _mark(options[key], options[key].correct, key in last)
        return
    chosen: set[str] = st.session_state.setdefault(f"{desk.key}-chosen", set(last))
    for number, key in enumerate(variant.shown, start=1):
        name = _label(desk, number, options[key].text)
        st.button(
            _say("option.chosen", option=name) if key in chosen else name,
            key=f"{desk.key}-option-{key}",
            on_click=lambda key=key: chosen.symmetric_difference_update({key}),
            icon=":material/check_box:" if key in chosen else ":material/check_box_outline_blank:",
            shortcut=_digit(desk, number, True),
            width="stretch",
            wrap=True,
        )
    if state.tries:
        for key in variant.shown:
            if key in last and not options[key].correct:
                aside(f"{options[key].text}: {options[key].feedback}")
    _check(desk, lambda: answer({"picked": sorted(chosen)}), _say("option.check"))


def _check(desk: DeskLike, on_click: Callable[[], None], label: str) -> None:
    st.button(label, key=f"{desk.key}-check", on_click=on_click, type="primary", shortcut="Enter" if desk.shortcuts else None)


def _number(body: Number, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    if over:
        if state.tries:
            numbers = _say("number.then").join(f"`{row.chosen.get('number', '')}`" for row in state.tries)
            st.markdown(_say("number.wrote", numbers=numbers))
        return
    key = f"{desk.key}-number"
    with st.form(f"{desk.key}-form", border=False):
        name = _say("number.asks_unit" if body.unit else "number.asks", unit=body.unit.replace("$", "\\$"))
        st.text_input(name, key=key, max_chars=80, placeholder=_say("number.such_as", unit=body.unit).strip())
        st.form_submit_button(_say("option.check"), type="primary", on_click=lambda: answer({"number": st.session_state.get(key) or ""}))


def _order(variant: Variant, body: Order, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    items = {item.key: item for item in body.items}
    last = _list(state.tries[-1].chosen.get("order")) if state.tries else []
    if over:
        for place, item in enumerate(body.items, start=1):
            had = last.index(item.key) + 1 if item.key in last else place
            yours = f" — *{_say('order.yours', place=had)}*" if had != place else ""
            st.markdown(f"{place}. {item.text}{yours}")
            aside(item.feedback)
        return
    placed: list[str] = st.session_state.setdefault(f"{desk.key}-placed", [])
    aside(_say("order.asks"))
    for number, key in enumerate(variant.shown, start=1):
        name = _label(desk, number, items[key].text)
        st.button(
            _say("order.place", item=name, place=placed.index(key) + 1) if key in placed else name,
            key=f"{desk.key}-item-{key}",
            on_click=lambda key=key: placed.append(key) if key not in placed else placed.remove(key),
            shortcut=_digit(desk, number, True),
            width="stretch",
            wrap=True,
        )
    _check(desk, lambda: answer({"order": list(placed)}), _say("order.check"))


def _match(variant: Variant, body: Match, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    rights = {pair.key: pair.right for pair in body.pairs}
    last = state.tries[-1].chosen.get("pairs") if state.tries else {}
    last = last if isinstance(last, Mapping) else {}
    if over:
        for pair in body.pairs:
            good = last.get(pair.key) == pair.key
            st.markdown(f"{':material/check:' if good else ':material/close:'} {pair.left} → **{pair.right}**")
            aside(pair.feedback)
        return
    for pair in body.pairs:
        st.selectbox(
            pair.left,
            variant.shown,
            index=variant.shown.index(last[pair.key]) if last.get(pair.key) in variant.shown else None,
            format_func=rights.__getitem__,
            key=f"{desk.key}-pair-{pair.key}",
            placeholder=_say("match.choose"),
        )
    _check(desk, lambda: answer({"pairs": _paired(body, desk)}), _say("match.check"))


def _paired(body: Match, desk: DeskLike) -> dict[str, str]:
    chosen = {pair.key: st.session_state.get(f"{desk.key}-pair-{pair.key}") for pair in body.pairs}
    return {key: value for key, value in chosen.items() if value}


def _recall(body: Recall, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    if over:
        had = set(_list(state.tries[-1].chosen.get("points"))) if state.tries else set()
        if state.draft:
            st.markdown(_say("recall.wrote", draft=state.draft))
        st.markdown(_say("recall.model", answer=body.model_answer))
        for point in body.points:
            _mark(point, point.key in had, False)
        return
    text = f"{desk.key}-text"
    if state.draft is None:
        st.text_area(_say("recall.asks"), key=text, max_chars=2000)
        _check(desk, lambda: answer({"draft": st.session_state.get(text) or ""}), _say("recall.compare"))
        return
    st.markdown(_say("recall.wrote", draft=state.draft or _say("recall.nothing")))
    st.markdown(_say("recall.model", answer=body.model_answer))
    aside(_say("recall.tick"))
    for point in body.points:
        st.checkbox(point.text, key=f"{desk.key}-point-{point.key}")
    ticked = [point.key for point in body.points]
    _check(
        desk,
        lambda: answer({"points": [key for key in ticked if st.session_state.get(f"{desk.key}-point-{key}")], "text": state.draft}),
        _say("recall.save"),
    )


def _list(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, (list, tuple)) else []
