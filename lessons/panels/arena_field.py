"""Who may meet in the arena: finished runs whose answers can be read, the machine's own first; what they are called, and the ways here and back."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import streamlit as st

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.catalog.tasks import TASKS
from engine.contracts import CELLS, RunSpec, SpecError
from engine.doctor import Story, tell
from engine.recorded import recordings
from lessons.catalog import page_of
from lessons.panels.current import events_of
from lessons.panels.dial_list import DIALS
from lessons.text import label, say, table
from viz.label import TruthLabel, day_text, moment_text

PAGE = "arena"
RECENT = 200
"""Runs of this machine that are looked through, newest first."""
ORDER = ("lora", "qlora", "prefix", "prompt", "full", "head")
"""Of recorded runs."""


class Contender(NamedTuple):
    """One finished run."""

    key: str
    """Its name in the address: the id of an own run, else what tells a recorded one from the others of its model and task."""
    spec: RunSpec
    truth: TruthLabel
    when: str
    """Day, and of an own run the time."""
    result: Mapping[str, Any]
    """What `result.json` holds."""

    @property
    def own(self) -> bool:
        return self.truth.kind == "live"


Field = Mapping[tuple[str, str], Sequence[Contender]]
"""(model, task) -> contenders, own ones first; those broken on purpose stand last."""


def field() -> Field:
    """All finished runs of this machine and all recorded ones, but for reward models: those order answers and write none."""
    own = [_own(run) for run in jobs.recent(RECENT) if run.state == "done" and run.result and answers(run.spec)]
    found: dict[tuple[str, str], list[Contender]] = {}
    for contender in sorted((*own, *_kept()), key=lambda contender: contender.spec.fault is not None):
        found.setdefault((contender.spec.model, contender.spec.task), []).append(contender)
    return found


def answers(spec: RunSpec) -> bool:
    """Whether what a run leaves answers the questions of a task that is known here."""
    return spec.objective != "reward" and spec.task in TASKS


def _own(run: jobs.RunStatus) -> Contender:
    ended = datetime.datetime.fromtimestamp(run.ended or run.created)
    truth = TruthLabel("live", ended.date().isoformat(), run.spec.seed)
    return Contender(run.run_id, run.spec, truth, moment_text(ended), run.result or {})


@cache
def _kept() -> tuple[Contender, ...]:
    """The committed runs, which do not change while the app runs."""
    found = []
    for kept in recordings():
        ended = _told(kept.name).ended
        if answers(kept.spec) and ended and ended.result:
            key = kept.name.removeprefix(f"{kept.spec.model}-{kept.spec.task}-")
            day = day_text(datetime.date.fromisoformat(kept.day))
            found.append(Contender(key, kept.spec, TruthLabel("recorded", kept.day, kept.spec.seed), day, ended.result))
    return tuple(sorted(found, key=lambda contender: ORDER.index(contender.spec.method)))


@cache
def _told(name: str) -> Story:
    return tell(next(kept.events for kept in recordings() if kept.name == name))


def story(contender: Contender) -> Story:
    """What the run said."""
    if contender.own:
        return tell(events_of(contender.key))
    return _told(f"{contender.spec.model}-{contender.spec.task}-{contender.key}")


# Names


def method(spec: RunSpec) -> str:
    """The method, with its objective where the task serves several."""
    name = label(f"methods.{spec.method}")
    several = sum(objective != "reward" for objective in TASKS[spec.task].objectives) > 1
    return say(PAGE, "field.with", method=name, objective=say(PAGE, f"objectives.{spec.objective}")) if several else name


def title(contender: Contender) -> str:
    """Everything that tells one run from another, in a line."""
    spec = contender.spec
    return " · ".join((method(spec), contender.truth.kind_text, contender.when, unusual(spec), say(PAGE, "field.seed", seed=spec.seed)))


def names(chosen: Sequence[Contender]) -> dict[str, str]:
    """Key -> a short name that no other contender has; whose it is stands there where both kinds meet."""
    mixed = len({contender.own for contender in chosen}) > 1
    short = {c.key: say(PAGE, f"field.{'own' if c.own else 'kept'}", name=method(c.spec)) if mixed else method(c.spec) for c in chosen}
    found: dict[str, str] = {}
    for key, name in short.items():
        alike = [other for other, its in short.items() if its == name]
        found[key] = say(PAGE, "field.numbered", name=name, number=alike.index(key) + 1) if len(alike) > 1 else name
    return found


def unusual(spec: RunSpec) -> str:
    """The dials that do not stand where they usually do."""
    try:
        usual = default_spec(spec.model, spec.task, spec.method, objective=spec.objective)
    except SpecError:
        return settings(spec)
    changed = [dial.name for dial in DIALS if dial.name != "seed" and getattr(spec, dial.name) != getattr(usual, dial.name)]
    said = [_setting(spec, name) for name in changed] + [say(PAGE, "field.broken")] * (spec.fault is not None)
    return ", ".join(said) or say(PAGE, "field.usual")


def settings(spec: RunSpec) -> str:
    """The dials that lie open in the lessons."""
    return ", ".join(_setting(spec, d.name) for d in DIALS if not d.more and d.name != "seed" and getattr(spec, d.name) is not None)


def _setting(spec: RunSpec, name: str) -> str:
    value = getattr(spec, name)
    return say(PAGE, "field.dial", dial=table("dials")[name]["label"], value=f"{value:g}" if isinstance(value, float) else value)


# The way here and from here


def compare_link(spec: RunSpec, run_id: str) -> None:
    """From a finished run to the arena; nothing where its answers cannot meet others."""
    pages = st.session_state.get("pages", {})
    if PAGE in pages and answers(spec):
        query = {"model": spec.model, "task": spec.task, "runs": run_id}
        st.page_link(pages[PAGE], label=say(PAGE, "field.compare"), icon=":material/compare_arrows:", query_params=query)


def lesson_link(model: str, task: str, taken: Collection[str] = ()) -> None:
    """To a lesson where a run of this task is made, by a method that is not taken if there is one."""
    pages = st.session_state.get("pages", {})
    objective = TASKS[task].objectives[0]
    fitting = [way for way in ORDER if way in CELLS[objective]]
    way = next((way for way in fitting if way not in taken), fitting[0])
    home = page_of(way, objective, task)
    if home.path in pages:
        query = {"model": model, "task": task, "method": way}
        st.page_link(pages[home.path], label=say(PAGE, "field.open", title=home.title), icon=":material/arrow_forward:", query_params=query)
