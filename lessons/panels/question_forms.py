"""The widgets of each kind of question. A form calls `answer` with what was chosen, and knows nothing of saving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import streamlit as st

from quizzes.grading import Chosen
from quizzes.schema import Match, Number, Option, Order, Pick, Recall
from quizzes.sitting import Sitting
from quizzes.variants import Plot, Variant


class DeskLike(Protocol):
    """The part of `question.Desk` that forms use."""

    @property
    def key(self) -> str: ...
    @property
    def shortcuts(self) -> bool: ...


Send = Callable[[Chosen], None]


def show(variant: Variant, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    """The form that fits the question's body."""
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


def chart(plot: Plot, key: str) -> None:
    """The picture and, for those who can't see it, its numbers."""
    rows: dict[str, Any] = {plot.chart.x_title: [str(x) for x in plot.chart.series[0].x]}
    for series, values in zip(plot.chart.series, plot.values, strict=True):
        rows[series.name] = list(values)
    st.dataframe(rows, key=f"chart-{key}", hide_index=True)


def _digit(desk: DeskLike, number: int, on: bool) -> str | None:
    return str(number) if desk.shortcuts and on and number <= 9 else None


def _mark(option: Option, good: bool, picked: bool) -> None:
    """An option after it was answered: its state in words and a sign, not in colour alone."""
    sign = ":material/check:" if good else (":material/close:" if picked else ":material/remove:")
    word = "your choice, right" if good and picked else "right" if good else "your choice" if picked else ""
    st.markdown(f"{sign} {option.text}" + (f" — *{word}*" if word else ""))
    st.caption(option.feedback)


def _single(variant: Variant, body: Pick, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    options = {option.key: option for option in body.options}
    picked = {key for row in state.tries for key in _list(row.chosen.get("picked"))}
    for number, key in enumerate(variant.shown, start=1):
        option = options[key]
        if over or key in picked:
            _mark(option, option.correct, key in picked)
            continue
        st.button(
            f"**{number}** {option.text}",
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
        st.button(
            f"**{number}** {options[key].text}" + (" (chosen)" if key in chosen else ""),
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
                st.caption(f"{options[key].text}: {options[key].feedback}")
    _check(desk, lambda: answer({"picked": sorted(chosen)}), "Check")


def _check(desk: DeskLike, on_click: Callable[[], None], label: str) -> None:
    st.button(label, key=f"{desk.key}-check", on_click=on_click, type="primary", shortcut="Enter" if desk.shortcuts else None)


def _number(body: Number, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    if over:
        if state.tries:
            st.markdown("You wrote: " + ", then ".join(f"`{row.chosen.get('number', '')}`" for row in state.tries))
        return
    key = f"{desk.key}-number"
    with st.form(f"{desk.key}-form", border=False):
        unit = f" ({body.unit})" if body.unit else ""
        st.text_input(f"Your number{unit}", key=key, max_chars=80, placeholder=f"such as 1.5e6, 1,500,000 or 1.5M{unit}")
        st.form_submit_button("Check", type="primary", on_click=lambda: answer({"number": st.session_state.get(key) or ""}))


def _order(variant: Variant, body: Order, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    items = {item.key: item for item in body.items}
    last = _list(state.tries[-1].chosen.get("order")) if state.tries else []
    if over:
        for place, item in enumerate(body.items, start=1):
            yours = f" — *you had it at place {last.index(item.key) + 1}*" if item.key in last and last.index(item.key) != place - 1 else ""
            st.markdown(f"{place}. {item.text}{yours}")
            st.caption(item.feedback)
        return
    placed: list[str] = st.session_state.setdefault(f"{desk.key}-placed", [])
    st.caption("Choose them one after the other, first to last.")
    for number, key in enumerate(variant.shown, start=1):
        where = f" (place {placed.index(key) + 1})" if key in placed else ""
        st.button(
            f"**{number}** {items[key].text}{where}",
            key=f"{desk.key}-item-{key}",
            on_click=lambda key=key: placed.append(key) if key not in placed else placed.remove(key),
            shortcut=_digit(desk, number, True),
            width="stretch",
            wrap=True,
        )
    _check(desk, lambda: answer({"order": list(placed)}), "Check the order")


def _match(variant: Variant, body: Match, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    rights = {pair.key: pair.right for pair in body.pairs}
    last = state.tries[-1].chosen.get("pairs") if state.tries else {}
    last = last if isinstance(last, Mapping) else {}
    if over:
        for pair in body.pairs:
            good = last.get(pair.key) == pair.key
            st.markdown(f"{':material/check:' if good else ':material/close:'} {pair.left} → **{pair.right}**")
            st.caption(pair.feedback)
        return
    for pair in body.pairs:
        st.selectbox(
            pair.left,
            variant.shown,
            index=variant.shown.index(last[pair.key]) if last.get(pair.key) in variant.shown else None,
            format_func=rights.__getitem__,
            key=f"{desk.key}-pair-{pair.key}",
            placeholder="Choose what belongs to it",
        )
    _check(desk, lambda: answer({"pairs": _paired(body, desk)}), "Check the pairs")


def _paired(body: Match, desk: DeskLike) -> dict[str, str]:
    chosen = {pair.key: st.session_state.get(f"{desk.key}-pair-{pair.key}") for pair in body.pairs}
    return {key: value for key, value in chosen.items() if value}


def _recall(body: Recall, state: Sitting, over: bool, desk: DeskLike, answer: Send) -> None:
    if over:
        had = set(_list(state.tries[-1].chosen.get("points"))) if state.tries else set()
        if state.draft:
            st.markdown(f"You wrote: *{state.draft}*")
        st.markdown(f"**A model answer.** {body.model_answer}")
        for point in body.points:
            _mark(point, point.key in had, False)
        return
    text = f"{desk.key}-text"
    if state.draft is None:
        st.text_area("Say it in your own words", key=text, max_chars=2000)
        _check(desk, lambda: answer({"draft": st.session_state.get(text) or ""}), "Compare with a model answer")
        return
    st.markdown(f"You wrote: *{state.draft or '(nothing)'}*")
    st.markdown(f"**A model answer.** {body.model_answer}")
    st.caption("Tick what your answer held; be as strict as you would be with a friend.")
    for point in body.points:
        st.checkbox(point.text, key=f"{desk.key}-point-{point.key}")
    ticked = [point.key for point in body.points]
    _check(
        desk,
        lambda: answer({"points": [key for key in ticked if st.session_state.get(f"{desk.key}-point-{key}")], "text": state.draft}),
        "Save",
    )


def _list(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, (list, tuple)) else []
