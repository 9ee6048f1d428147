"""The arena: methods side by side on the same questions, first for the eye, then in numbers."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.catalog.models import DEFAULT_MODEL, MODELS
from lessons import arc
from lessons.panels.arena_choice import LEAST, choose, fill_up
from lessons.panels.arena_field import PAGE, Contender, field, lesson_link, names, story
from lessons.panels.arena_match import rounds
from lessons.panels.arena_numbers import bars, curves, differ, first_pictures, numbers_table
from lessons.panels.arena_play import play
from lessons.stage.learner import learner_id
from lessons.text import say


def page() -> None:
    """Who meets, round by round, and what was measured."""
    arc.header(PAGE, lead=say(PAGE, "page.lead"))
    found = field()
    if not found:
        st.info(say(PAGE, "page.nothing"))
        lesson_link(DEFAULT_MODEL, MODELS[DEFAULT_MODEL].tasks[0])
        return
    chosen, present = choose(found)
    _missing(present)
    if len(chosen) >= LEAST:
        _contest(chosen)
    elif len(present) >= LEAST:
        st.info(say(PAGE, "page.more"))


def draw_first() -> None:
    """The pictures of the recorded runs that a first visit opens with, made while another page is read."""
    kept = [contender for contender in field().get((DEFAULT_MODEL, MODELS[DEFAULT_MODEL].tasks[0]), ()) if not contender.own]
    chosen = [contender for contender in kept if contender.key in fill_up(kept)]
    if chosen:
        first_pictures(chosen, {contender.key: story(contender) for contender in chosen}, names(chosen))


def _missing(present: Sequence[Contender]) -> None:
    """What to do where there is nobody to meet, or no run of the learner's own."""
    model, task = present[0].spec.model, present[0].spec.task
    if len(present) < LEAST:
        st.info(say(PAGE, "page.lonely"))
        lesson_link(model, task, {contender.spec.method for contender in present})
    elif not any(contender.own for contender in present):
        st.caption(say(PAGE, "field.no_own"))
        lesson_link(model, task)


def _contest(chosen: Sequence[Contender]) -> None:
    told, short = {contender.key: story(contender) for contender in chosen}, names(chosen)
    contest = rounds(chosen, told)
    with st.container(key="arena-rounds"):
        st.header(say(PAGE, "play.title"), anchor="rounds")
        if contest:
            play(contest, short, chosen[0].spec.task, learner_id())
        else:
            st.info(say(PAGE, "page.unlike"))
    with st.container(key="arena-numbers"):
        st.header(say(PAGE, "numbers.title"), anchor="numbers")
        numbers_table(chosen, short)
        left, right = st.columns(2)
        with left:
            bars(chosen, short)
        with right:
            curves(chosen, told, short)
    with st.container(key="arena-differ"):
        st.header(say(PAGE, "differ.title"), anchor="differ")
        differ(contest, short)
