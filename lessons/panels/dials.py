"""The dials of a run, and the link that holds them. One list drives widgets, address and reset."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL, MODELS, is_present
from engine.catalog.tasks import TASKS
from engine.contracts import DTYPES, TARGET_WORDS, RunSpec, SpecError

WORDS = Path(__file__).parent.parent / "text" / "dials.toml"


class Dial(NamedTuple):
    """One setting of a run."""

    name: str
    """Field of the RunSpec."""
    link: str
    """Name in the address; the command line's word."""
    kind: type
    choices: tuple[Any, ...] = ()
    """What the slider or list offers; a link may hold other values."""
    more: bool = False
    """Shown behind "More"."""


DIALS = (
    Dial("rank", "rank", int, (1, 2, 4, 8, 16, 32)),
    Dial("alpha", "alpha", float, (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)),
    Dial("targets", "targets", str, TARGET_WORDS),
    Dial("learning_rate", "lr", float, tuple(m * 10.0**e for e in (-5, -4, -3, -2) for m in (1, 2, 5))),
    Dial("steps", "steps", int, (6, 12, 24, 40, 60, 80, 120)),
    Dial("seed", "seed", int),
    Dial("examples", "examples", int, (8, 16, 24, 48, 64, 128, 256), more=True),
    Dial("micro_batch", "micro-batch", int, (1, 2, 4, 8, 16), more=True),
    Dial("dropout", "dropout", float, (0.0, 0.05, 0.1, 0.2), more=True),
    Dial("eval_every", "eval-every", int, (0, 3, 6, 10, 15), more=True),
    Dial("dtype", "dtype", str, DTYPES, more=True),
)


def dials(method: str) -> RunSpec | None:
    """Show the dials, keep the address in step with them, and return the spec; None while they make no spec.

    What a link sets wrongly is named, and the default is taken in its place.
    """
    link = _read_link(method)
    model = _choose("model", [name for name in MODELS if is_present(name)], link.pop("model", DEFAULT_MODEL), lambda n: MODELS[n].title)
    card = MODELS[model]
    with st.popover("About this model", type="tertiary"):
        st.markdown(f"**{card.title}** · {card.parameters:,} parameters · {card.licence} · {card.bytes / 1e6:.1f} MB\n\n{card.note}")
    tasks = card.tasks
    wanted = link.pop("task", tasks[0])
    task = _choose("task", list(tasks), wanted if wanted in tasks else tasks[0], lambda n: TASKS[n].title)
    with st.popover("About this task", type="tertiary"):
        st.markdown(TASKS[task].note)
    default = default_spec(model, task, method)
    applying = [dial for dial in DIALS if getattr(default, dial.name) is not None]
    chosen = _widgets(applying, default, link, f"{model}-{task}-{method}")
    _write_link(model, task, tasks, applying, default, chosen)
    try:
        spec = default_spec(model, task, method, **chosen)
        check(spec)
    except SpecError as error:
        for problem in error.problems:
            st.error(problem)
        return None
    return spec


def _widgets(applying: Sequence[Dial], default: RunSpec, link: dict[str, Any], cell: str) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    shown = [dial for dial in applying if not dial.more]
    for pair in zip_longest(shown[::2], shown[1::2]):  # row by row, so that a narrow screen keeps the order
        for column, dial in zip(st.columns(2), pair, strict=True):
            if dial is not None:
                with column:
                    chosen[dial.name] = _widget(dial, link.get(dial.name, getattr(default, dial.name)), cell)
    with st.expander("More dials"):
        for dial in applying:
            if dial.more:
                chosen[dial.name] = _widget(dial, link.get(dial.name, getattr(default, dial.name)), cell)
        defaults = {f"dial-{cell}-{dial.name}": getattr(default, dial.name) for dial in applying}
        st.button("Back to the defaults", key=f"reset-{cell}", on_click=st.session_state.update, args=(defaults,))
    return chosen


def _widget(dial: Dial, start: Any, cell: str) -> Any:
    words, key = _words()[dial.name], f"dial-{cell}-{dial.name}"
    label, help_ = words["label"], words["help"]
    value = st.session_state.setdefault(key, start)
    if dial.kind is str:
        choices = list(dict.fromkeys((*dial.choices, value)))
        return st.selectbox(label, choices, key=key, help=help_, persist_state="session", accept_new_options=dial.name == "targets")
    if not dial.choices:
        return int(st.number_input(label, min_value=0, max_value=2**31 - 1, step=1, key=key, help=help_, persist_state="session"))
    choices = sorted({*dial.choices, value, start})
    return st.select_slider(label, choices, key=key, help=help_, persist_state="session", format_func=lambda v: f"{v:g}")


def _choose(name: str, names: list[str], start: str, title: Any) -> str:
    words, key = _words()[name], f"dial-{name}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = start if start in names else names[0]
    return st.selectbox(words["label"], names, key=key, help=words["help"], persist_state="session", format_func=title)


def _read_link(method: str) -> dict[str, Any]:
    """Values of the address, read once a session and page; those that cannot stand are named in a warning."""
    seen = f"link-read-{method}"
    if st.session_state.get(seen):
        return {}
    st.session_state[seen] = True
    values, problems = parse_link(st.query_params.to_dict(), method)
    for problem in problems:
        st.warning(f"This link: {problem}. The default is used in its place.")
    return values


def parse_link(query: dict[str, str], method: str) -> tuple[dict[str, Any], list[str]]:
    """Settings in an address, each checked by itself; and a sentence for each that cannot stand."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    model = query.get("model", DEFAULT_MODEL)
    if model not in MODELS or not is_present(model):
        problems.append(f"model={model[:60]!r} is not on this machine")
        model = DEFAULT_MODEL
    task = query.get("task", MODELS[model].tasks[0])
    if task not in MODELS[model].tasks:
        problems.append(f"task={task[:60]!r} does not suit {model}")
        task = MODELS[model].tasks[0]
    values |= {"model": model, "task": task}
    for dial in DIALS:
        if dial.link not in query:
            continue
        try:
            value = dial.kind(query[dial.link])
            check(default_spec(model, task, method, **{dial.name: value}))
        except SpecError as error:
            problems.extend(error.problems)
        except (ValueError, OverflowError):
            problems.append(f"{dial.link}={query[dial.link][:60]!r} is not a number")
        else:
            values[dial.name] = value
    return values, problems


def _write_link(model: str, task: str, tasks: Sequence[str], applying: Sequence[Dial], default: RunSpec, chosen: dict[str, Any]) -> None:
    """What differs from the defaults stands in the address, and nothing else does."""
    wanted = {"model": model if model != DEFAULT_MODEL else None, "task": task if task != tasks[0] else None}
    wanted |= {d.link: f"{chosen[d.name]}" if chosen[d.name] != getattr(default, d.name) else None for d in applying}
    for name, value in wanted.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(WORDS.read_text("utf-8"))
