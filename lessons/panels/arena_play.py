"""Round by round: one question, the answers side by side without names, the learner's choice, then the scorer's verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

import streamlit as st

from engine.catalog.tasks import TASKS
from engine.contracts import DeltaLabError
from engine.store.answers import AnswerRow
from lessons.panels.answers import said
from lessons.panels.arena_match import Round, Said, choices, keep, take_back, tally
from lessons.text import label, say

PROBLEM = "arena-problem"


@st.fragment
def play(contest: Sequence[Round], names: Mapping[str, str], task: str, learner: str | None) -> None:
    """One round at a time; which one, and whether names show, stand in the address."""
    place = _place(len(contest))
    one, made = contest[place], choices(learner, contest)
    row = made.get(one.id)
    over = row is not None or not one.differs
    with st.container(horizontal=True, vertical_alignment="center", key="arena-steps"):
        _steps(place, len(contest), over)
        open_ = _names_switch()
        with st.popover(label("run.about_task"), type="tertiary"):
            st.markdown(TASKS[task].note)
    if not over:
        st.caption(_say("play.open" if open_ else "play.lead"))
    st.html(f'<p class="dl-asked">{escape(one.prompt)}</p>')
    if one.differs:
        st.markdown(_say("play.asks", task=TASKS[task].title))
    _answers(one, names, open_, row, learner)
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem)
    if row is not None:
        _verdict(one, row.chosen["best"], names)
    elif one.differs:
        _button(_say("play.none"), one, (), learner, "0")
    else:
        st.info(_say("play.same"))
    _tally(contest, made, names, learner)


def _say(key: str, **values: object) -> str:
    return say("arena", key, **values)


def _names_switch() -> bool:
    asked = st.query_params.get("names", "False")
    if asked not in ("True", "False"):
        st.warning(label("run.bad_link", problem=label("link.flag", name="names", value=repr(asked[:60]))))
    on = st.toggle(_say("play.names"), value=asked == "True", key="arena-names", help=_say("play.names_help"), width="content")
    if on:
        st.query_params["names"] = "True"
    else:
        st.query_params.pop("names", None)
    return on


def _place(count: int) -> int:
    """The round of the address, from 0; the first where it says no number of a round."""
    asked = st.query_params.get("round", "1")
    if asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= count:
        return int(asked[:9]) - 1
    st.warning(label("run.bad_link", problem=_say("link.round", value=repr(asked[:60]), rounds=count)))
    st.query_params.pop("round", None)
    return 0


def _go(place: int) -> None:
    st.query_params["round"] = str(place + 1)


def _steps(place: int, count: int, over: bool) -> None:
    """Their keys are letters: Enter presses whatever has the focus, and would turn the round as well."""
    st.button(_say("play.back"), key="arena-back", shortcut="P", disabled=place == 0, on_click=_go, args=(place - 1,))
    kind: Literal["primary", "secondary"] = "primary" if over else "secondary"
    st.button(_say("play.next"), key="arena-next", type=kind, shortcut="N", disabled=place + 1 == count, on_click=_go, args=(place + 1,))
    st.markdown(f"**{_say('play.round', round=place + 1, rounds=count)}**", width="content")


def _answers(one: Round, names: Mapping[str, str], open_: bool, row: AnswerRow | None, learner: str | None) -> None:
    """The base first, then the answers: in the order of the contenders where their names show from the start, else shuffled."""
    over = row is not None or not one.differs
    order = one.said if open_ else one.shuffled()
    with st.container(key="arena-answers"):
        base, *places = st.columns(1 + len(order))
        with base.container(border=True, key="arena-base"):
            st.html(_card(_say("play.base"), one.base.tuned, marks(one.base.good, one.base.fact) if over else "", "dl-base"))
        for number, (place, each) in enumerate(zip(places, order, strict=True), start=1):
            who = ", ".join(names[key] for key in each.by)
            with place.container(border=True, key=f"arena-answer-{number}"):
                title = who if open_ or over else _say("play.nobody", number=number)
                st.html(_card(title, each.text, _below(one, each, row, names) if over else "", "dl-trainable"))
                if not over:
                    words = _say("play.choose_named", name=who) if open_ else _say("play.choose", number=number)
                    _button(words, one, each.by, learner, str(number))


def _card(who: str, text: str, below: str, kind: str) -> str:
    return f'<p class="dl-who {kind}">{escape(who)}</p><blockquote class="dl-said">{said(text)}</blockquote>{below}'


def _below(one: Round, each: Said, row: AnswerRow | None, names: Mapping[str, str]) -> str:
    """What there is to say of an answer once the choice is made."""
    yours = f'<span class="dl-mark dl-yours">{_say("play.yours")}</span>' if row and set(each.by) & set(row.chosen["best"]) else ""
    bases = {names[key]: one.other_bases[key] for key in each.by if key in one.other_bases}
    others = "".join(
        f'<span class="dl-mark">{escape(_say("play.other_base", name=name, said=text))}</span>' for name, text in bases.items()
    )
    return f"{yours}{marks(each.good, each.fact)}{others}"


def marks(good: bool, fact: bool | None) -> str:
    """The scorer's verdict, and that on the key fact where the task has one."""
    found = [_mark("style" if good else "no_style", good)]
    if fact is not None:
        found.append(_mark("fact" if fact else "no_fact", fact))
    return "".join(found)


def _mark(key: str, good: bool) -> str:
    return f'<span class="dl-mark{" dl-good" if good else ""}">{_say(f"said.{key}")}</span>'


def _button(words: str, one: Round, best: Sequence[str], learner: str | None, key: str) -> None:
    st.button(
        words,
        key=f"arena-pick-{one.id}-{key}",
        shortcut=key,
        wrap=True,
        disabled=learner is None,
        on_click=_choose,
        args=(learner, one, best),
    )


def _choose(learner: str, one: Round, best: Sequence[str]) -> None:
    if one.id in choices(learner, [one]):
        return  # the second click of a double click
    try:
        keep(learner, one, best)
    except DeltaLabError as error:
        st.session_state[PROBLEM] = _say("play.not_saved", problem=error)


def _verdict(one: Round, best: Sequence[str], names: Mapping[str, str]) -> None:
    if one.agrees(best):
        st.success(
            _say("said.agreed" if best else "said.agreed_none", names=", ".join(names[key] for key in best)), icon=":material/check:"
        )
    else:
        right = ", ".join(names[key] for key in one.right)
        st.warning(_say("said.passing" if right else "said.passing_none", names=right), icon=":material/visibility:")


def _tally(contest: Sequence[Round], made: Mapping[str, AnswerRow], names: Mapping[str, str], learner: str | None) -> None:
    found = tally(contest, made)
    if not found.chosen or learner is None:
        st.caption(_say("tally.none"))
        return
    told = [_say("tally.chosen", chosen=found.chosen, rounds=sum(one.differs for one in contest))]
    if found.apart:
        told.append(_say("tally.agreed", apart=found.apart, agreed=found.agreed))
    liked = [_say("tally.times", name=names[key], times=times) for key, times in found.preferred]
    liked += [_say("tally.times", name=_say("play.none").lower(), times=found.none)] * bool(found.none)
    st.markdown(" ".join([*told, _say("tally.preferred", names=", ".join(liked))]))
    with st.container(horizontal=True):
        rows = list(made.values())
        last = next(place for place, one in enumerate(contest) if one.id == rows[-1].question_id)
        st.button(_say("tally.undo"), key="arena-undo", type="tertiary", on_click=_take_back, args=(learner, rows[-1:], last))
        st.button(_say("tally.anew"), key="arena-anew", type="tertiary", on_click=_take_back, args=(learner, rows, 0))


def _take_back(learner: str, rows: Sequence[AnswerRow], place: int) -> None:
    """Take choices back, and stand at a round where one can be made."""
    take_back(learner, rows)
    _go(place)
