"""Which contenders meet: chosen in three boxes, and kept in the address, so that a link shows the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from lessons.panels.arena_field import PAGE, Contender, Field, title
from lessons.text import label, say

LEAST, USUAL, MOST = 2, 3, 4
"""Contenders."""


class Choice(NamedTuple):
    """What the page compares."""

    model: str
    task: str
    runs: tuple[str, ...]


def fill_up(present: Sequence[Contender], wanted: Iterable[str] = ()) -> tuple[str, ...]:
    """Those wanted; where they are too few for a comparison others as well, one a method while methods last."""
    chosen = [contender for key in wanted for contender in present if contender.key == key]
    if len(chosen) < LEAST:
        for contender in present:
            if len(chosen) < USUAL and _way(contender) not in map(_way, chosen):
                chosen.append(contender)
        chosen += [contender for contender in present if contender not in chosen][: max(0, LEAST - len(chosen))]
    return tuple(contender.key for contender in chosen)


def _way(contender: Contender) -> tuple[str, str]:
    return contender.spec.method, contender.spec.objective


def read_link(query: Mapping[str, str], found: Field) -> tuple[Choice, list[str]]:
    """What an address asks for, the usual where it asks for nothing or for what is not here; and a sentence for each such thing."""
    problems = []
    models = models_of(found)
    model, task = query.get("model", models[0]), query.get("task")
    if model not in models:
        problems.append(_problem("model", model))
        model = models[0]
    tasks = tasks_of(found, model)
    if task is not None and task not in tasks:
        problems.append(_problem("task", task, model=model))
    task = task if task in tasks else tasks[0]
    wanted = list(dict.fromkeys(key for key in query.get("runs", "").split(",") if key))
    present = found[model, task]
    unknown = [key for key in wanted if key not in {contender.key for contender in present}]
    if unknown:
        problems.append(_problem("runs", ",".join(unknown)))
    known = [key for key in wanted if key not in unknown]
    if len(known) > MOST:
        problems.append(_problem("many", ",".join(known), most=MOST))
    return Choice(model, task, fill_up(present, known[:MOST])), problems


def _problem(what: str, value: str, **more: object) -> str:
    problem = say(PAGE, f"link.{what}", value=repr(value[:60]), **more)
    return say(PAGE, "link.left_out", problem=problem) if what in ("runs", "many") else label("run.bad_link", problem=problem)


def models_of(found: Field) -> list[str]:
    """Models with a run, in the catalogue's order, those of the hub last; the default one is the first where it has any."""
    with_runs = {model for model, _ in found}
    return [model for model in MODELS if model in with_runs] + sorted(with_runs - MODELS.keys())


def tasks_of(found: Field, model: str) -> list[str]:
    """Tasks of a model with a run, those first that have enough of them for a comparison."""
    return sorted(
        (task for its, task in found if its == model), key=lambda task: (len(found[model, task]) < LEAST, list(TASKS).index(task))
    )


def choose(found: Field) -> tuple[list[Contender], Sequence[Contender]]:
    """The three boxes, and those chosen of those present. The address follows, and a new choice begins at the first round."""
    asked, problems = read_link(st.query_params.to_dict(), found)
    for problem in problems:
        st.warning(problem)
    left, right = st.columns(2)
    models = models_of(found)
    model = left.selectbox(
        say(PAGE, "field.model"),
        models,
        index=models.index(asked.model),
        key="arena-model",
        format_func=lambda name: MODELS[name].title if name in MODELS else name,
    )
    tasks = tasks_of(found, model)
    task = right.selectbox(
        say(PAGE, "field.task"),
        tasks,
        index=tasks.index(asked.task) if asked.model == model else 0,
        key=f"arena-task-{model}",
        format_func=lambda name: TASKS[name].title,
    )
    present = {contender.key: contender for contender in found[model, task]}
    usual = asked.runs if (asked.model, asked.task) == (model, task) else fill_up(found[model, task])
    runs = st.multiselect(
        say(PAGE, "field.runs"),
        list(present),
        default=usual,
        max_selections=MOST,
        key=f"arena-runs-{model}-{task}",
        help=say(PAGE, "field.runs_help"),
        format_func=lambda key: title(present[key]),
    )
    if asked != Choice(model, task, tuple(runs)):
        st.query_params.pop("round", None)
    _write_link(model=model, task=task, runs=",".join(runs))
    return [present[key] for key in runs], found[model, task]


def _write_link(**wanted: str) -> None:
    for name, value in wanted.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value
