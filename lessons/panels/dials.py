"""The dials of a run, and the link that holds them. One list drives widgets, address and reset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import streamlit as st

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.models import CHAT_TASKS, DEFAULT_MODEL, MODELS, can_ask, is_hub_id, is_present
from engine.catalog.tasks import TASKS
from engine.contracts import CELLS, RunSpec, SpecError
from engine.contracts.spec import LIMITS, MAX_LEARNING_RATE, MAX_MICRO_BATCH, MAX_SEED, MAX_STEPS
from lessons.panels.dial_list import DIALS, Dial
from lessons.text import fill, label, table

FIRST = (DEFAULT_MODEL, "nano-0.5m")
"""Models to begin with: the real one, else the nano model whose runs take seconds and show most."""
SOFT_FIRST = (DEFAULT_MODEL, "nano-0.5m-control")
"""The same for soft prompts, which do nothing for a nano model that was not pretrained to be steered."""


class Cell(NamedTuple):
    """What a page is about at the moment: model x task x method x objective."""

    model: str
    task: str
    method: str
    objective: str


def cell_now(methods: Sequence[str], objectives: Sequence[str], only: Sequence[str] = ()) -> Cell | None:
    """The cell that the dials stand at, else the one of the address, else the usual one; None where no task serves the objective yet."""
    objective = _now(f"objective-{objectives[0]}", "objective", objectives)
    fitting = [method for method in methods if method in CELLS[objective]] or list(methods)
    method = _now(f"method-{methods[0]}", "method", fitting)
    fit = [name for name in MODELS if tasks_for(name, objective, only)]
    first = SOFT_FIRST if method in ("prompt", "prefix") else FIRST
    fit.sort(key=lambda name: (_place(tasks_for(name, objective, only)[0], only), name not in first))
    models = [name for name in fit if is_present(name)] or fit
    if not models:
        return None
    model = _wanted("model", "model")
    if model not in models and not (is_hub_id(model) and tasks_for(model, objective, only)):
        model = models[0]
    return Cell(model, _now("task", "task", tasks_for(model, objective, only)), method, objective)


def _place(task: str, only: Sequence[str]) -> int:
    """A page's own tasks stand in the order in which it takes them up."""
    return only.index(task) if only else 0


def tasks_for(model: str, objective: str, only: Sequence[str] = ()) -> list[str]:
    """Tasks of a model whose examples serve an objective, the best start first; of a page's own tasks where it has some.
    A model of the hub is taken for a chat model."""
    names = MODELS[model].tasks if model in MODELS else CHAT_TASKS
    return [name for name in names if objective in TASKS[name].objectives and (not only or name in only)]


def _now(dial: str, link: str, choices: Sequence[str]) -> str:
    wanted = _wanted(dial, link)
    return wanted if wanted in choices else choices[0]


def _wanted(dial: str, link: str) -> str:
    return str(st.session_state.get(f"dial-{dial}") or st.query_params.get(link, ""))


def follow(run_id: str, spec: RunSpec, methods: Sequence[str], objectives: Sequence[str]) -> None:
    """Set the dials to the run of the address, once, so that the learner may then turn them.

    What the address sets itself stays; an address that names another model, task, method or objective sets them all.
    """
    followed = f"dials-followed-{methods[0]}-{objectives[0]}"
    axes = {"model": "model", "task": "task", "method": f"method-{methods[0]}", "objective": f"objective-{objectives[0]}"}
    if st.session_state.get(followed) == run_id:
        return
    st.session_state[followed] = run_id
    if any(st.query_params.get(axis, getattr(spec, axis)) != getattr(spec, axis) for axis in axes):
        return
    for axis, dial in axes.items():
        st.session_state[f"dial-{dial}"] = getattr(spec, axis)
    for dial in DIALS:
        value = getattr(spec, dial.name)
        if value is not None and dial.link not in st.query_params:
            st.session_state[_key(Cell(*(getattr(spec, axis) for axis in axes)), dial)] = value


def _key(cell: Cell, dial: Dial) -> str:
    """Each cell keeps its own settings."""
    return f"dial-{'-'.join(cell)}-{dial.name}"


def dials(methods: Sequence[str], objectives: Sequence[str] = ("sft",), only: Sequence[str] = ()) -> RunSpec | None:
    """Show the dials, keep the address in step with them, and return the spec; None while they make no spec.

    What a link sets wrongly is named, and the default is taken in its place.
    """
    usual = cell_now(methods, objectives, only)
    if usual is None:
        return None
    link = _read_link(usual, only)

    def typed(name: str) -> bool:
        return name not in MODELS and bool(tasks_for(name, objective, only))

    objective = _several("objective", objectives, usual.objective)
    method = _several("method", [name for name in methods if name in CELLS[objective]], usual.method)
    present = [name for name in MODELS if is_present(name) and tasks_for(name, objective, only)]
    if not present:
        st.info(label("run.no_model"))
        return None
    start = link.pop("model", usual.model)
    model = _choose("model", present, start, lambda name: MODELS[name].title if name in MODELS else name, typed=typed)
    tasks = tasks_for(model, objective, only)
    wanted = link.pop("task", tasks[0])
    task = _choose("task", tasks, wanted if wanted in tasks else tasks[0], lambda n: TASKS[n].title)
    _about(model, task)
    try:
        default = default_spec(model, task, method, objective=objective)
        check(default)
    except SpecError as error:  # a model that was typed and cannot be had
        return _refused(error)
    applying = [dial for dial in DIALS if getattr(default, dial.name) is not None]
    chosen = _widgets(applying, default, link, Cell(model, task, method, objective))
    axes = {"method": method if method != methods[0] else None, "objective": objective if objective != objectives[0] else None}
    _write_link(model, task, tasks, axes, applying, default, chosen)
    try:
        spec = default_spec(model, task, method, objective=objective, **chosen)
        check(spec)
    except SpecError as error:
        return _refused(error)
    return spec


def _refused(error: SpecError) -> None:
    for problem in error.problems:
        st.error(problem)


def _about(model: str, task: str) -> None:
    """What the catalogue says of both, side by side behind a click."""
    with st.container(horizontal=True):
        if model in MODELS:
            card = MODELS[model]
            numbers = label("run.model", parameters=f"{card.parameters:,}", licence=card.licence, size=f"{card.bytes / 1e6:.1f}")
            with st.popover(label("run.about_model"), type="tertiary"):
                st.markdown(f"**{card.title}** · {numbers}\n\n{card.note}")
        with st.popover(label("run.about_task"), type="tertiary"):
            st.markdown(TASKS[task].note)


def _several(name: str, choices: Sequence[str], start: str) -> str:
    """A choice where the page has one; its key names the page's first word, so that pages keep their own."""
    if len(choices) == 1:
        return choices[0]
    return _choose(name, list(choices), start, lambda word: label(f"{name}s.{word}"), f"{name}-{choices[0]}")


def _widgets(applying: Sequence[Dial], default: RunSpec, link: dict[str, Any], cell: Cell) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    shown = [dial for dial in applying if not dial.more]
    for pair in zip_longest(shown[::2], shown[1::2]):  # row by row, so that a narrow screen keeps the order
        for column, dial in zip(st.columns(2), pair, strict=True):
            if dial is not None:
                with column:
                    chosen[dial.name] = _widget(dial, link.get(dial.name, getattr(default, dial.name)), cell)
    with st.expander(label("run.more_dials")):
        for dial in applying:
            if dial.more:
                chosen[dial.name] = _widget(dial, link.get(dial.name, getattr(default, dial.name)), cell)
        defaults = {_key(cell, dial): getattr(default, dial.name) for dial in applying}
        st.button(label("run.defaults"), key=f"reset-{'-'.join(cell)}", on_click=st.session_state.update, args=(defaults,))
    return chosen


def _widget(dial: Dial, start: Any, cell: Cell) -> Any:
    words, key = table("dials")[dial.name], _key(cell, dial)
    title, help_ = words["label"], fill(words["help"], most=f"{_most(dial.name, cell.task):,}")
    value = st.session_state.setdefault(key, start)
    if dial.kind is bool:
        return st.toggle(title, key=key, help=help_, persist_state="session")
    if dial.kind is str:
        choices = list(dict.fromkeys((*dial.choices, value)))
        return st.selectbox(title, choices, key=key, help=help_, persist_state="session", accept_new_options=dial.name == "targets")
    if not dial.choices:
        return int(st.number_input(title, min_value=0, max_value=MAX_SEED, step=1, key=key, help=help_, persist_state="session"))
    choices = sorted({*dial.choices, value, start})
    return st.select_slider(title, choices, key=key, help=help_, persist_state="session", format_func=lambda v: f"{v:g}")


def _most(name: str, task: str) -> float:
    """The greatest value of a dial whose help says it, in the dial's own unit; 0 for the others."""
    most = {"learning_rate": MAX_LEARNING_RATE, "steps": MAX_STEPS, "eval_every": MAX_STEPS, "micro_batch": MAX_MICRO_BATCH}
    most |= {"seed": MAX_SEED, "examples": TASKS[task].train_examples}
    return most.get(name) or LIMITS.get(name, (0, 0, ""))[1]


def _choose(name: str, names: list[str], start: str, title: Any, dial: str = "", typed: Callable[[str], bool] | None = None) -> str:
    """A list to choose from; with `typed`, also a word that passes it, which is checked with the rest of the spec."""
    words, key = table("dials")[name], f"dial-{dial or name}"
    value = st.session_state.get(key)
    if value not in names and not (typed and value and typed(value)):
        value = st.session_state[key] = start if start in names or (typed and typed(start)) else names[0]
    names = list(dict.fromkeys((*names, value)))
    return st.selectbox(
        words["label"], names, key=key, help=words["help"], persist_state="session", format_func=title, accept_new_options=typed is not None
    )


def _read_link(usual: Cell, only: Sequence[str]) -> dict[str, Any]:
    """Values of the address, read once a session and page; those that cannot stand are named in a warning."""
    seen = f"link-read-{usual.method}-{usual.objective}-{only}"
    if st.session_state.get(seen):
        return {}
    st.session_state[seen] = True
    values, problems = parse_link(st.query_params.to_dict(), usual, only)
    for problem in problems:
        st.warning(label("run.bad_link", problem=problem))
    return values


def parse_link(query: dict[str, str], usual: Cell, only: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Settings in an address, each checked by itself; and a sentence for each that cannot stand."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    model = query.get("model", usual.model)
    if not can_ask(model):
        problems.append(label("link.model", model=repr(model[:60])))
        model = usual.model
    tasks = tasks_for(model, usual.objective, only) or [usual.task]
    task = query.get("task", tasks[0])
    if task not in tasks:
        problems.append(label("link.unsuited", task=repr(task[:60]), model=model))
        task = tasks[0]
    values |= {"model": model, "task": task}
    for dial in DIALS:
        if dial.link not in query:
            continue
        try:
            value = _parsed(dial.kind, query[dial.link])
            check(default_spec(model, task, usual.method, objective=usual.objective, **{dial.name: value}))
        except SpecError as error:
            problems.extend(error.problems)
        except (ValueError, OverflowError):
            wrong = "link.flag" if dial.kind is bool else "link.number"
            problems.append(label(wrong, name=dial.link, value=repr(query[dial.link][:60])))
        else:
            values[dial.name] = value
    return values, problems


def _parsed(kind: type, text: str) -> Any:
    """Raises ValueError for what is no value of that kind."""
    if kind is bool and text not in ("True", "False"):
        raise ValueError(text)
    return text == "True" if kind is bool else kind(text)


def _write_link(
    model: str,
    task: str,
    tasks: Sequence[str],
    axes: dict[str, str | None],
    applying: Sequence[Dial],
    default: RunSpec,
    chosen: dict[str, Any],
) -> None:
    """What differs from the defaults stands in the address, and nothing else does."""
    wanted = {"model": model if model != DEFAULT_MODEL else None, "task": task if task != tasks[0] else None, **axes}
    wanted |= {d.link: f"{chosen[d.name]}" if chosen[d.name] != getattr(default, d.name) else None for d in applying}
    for name, value in wanted.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value
