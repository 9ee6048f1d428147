"""The run that a page shows: the one in the address, else the recorded one of the chosen model and task."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from engine import jobs
from engine.contracts import Event, RunError, RunSpec
from engine.doctor import Story, tell
from engine.recorded import Delta, find_recording, read_delta, recordings
from lessons.text import label
from viz.label import TruthLabel

PARAMETER = "run"
ENGINE = Path(jobs.__file__).parent.parent


class Shown(NamedTuple):
    """A run as a page shows it, whoever made it."""

    spec: RunSpec
    story: Story
    delta: Delta | None
    label: TruthLabel
    whose: str
    """In words: the learner's own, or a recorded one."""


def run_in_address() -> jobs.RunStatus | None:
    """The learner's run; None where the address names none, or one that is not here, which is said."""
    run_id = st.query_params.get(PARAMETER)
    if run_id is None:
        return None
    try:
        return jobs.status(run_id)
    except RunError as error:
        st.warning(f"{error.sentence} {error.remedy}")
        st.query_params.pop(PARAMETER, None)
        return None


def own(run: jobs.RunStatus) -> Shown:
    """The learner's run as it stands."""
    day = datetime.datetime.fromtimestamp(run.ended or run.started or run.created).date().isoformat()
    truth = TruthLabel("live", day, run.spec.seed)
    return Shown(run.spec, tell(events_of(run.run_id)), delta_of(run), truth, label("whose.own"))


@cache
def recorded(model: str, task: str, method: str, objective: str = "sft", only: tuple[str, ...] = ()) -> Shown | None:
    """The committed run of that cell; where it has none, one of the same method and objective, of the tasks `only` if given.

    Committed data do not change while the app runs, so each is read once.
    """
    kin = (r for r in recordings() if (r.spec.method, r.spec.objective) == (method, objective))
    same = (r for r in kin if not only or r.spec.task in only)
    found = find_recording(model, task, method, objective) or next(same, None)
    if found is None:
        return None
    truth = TruthLabel("recorded", found.day, found.spec.seed)
    return Shown(found.spec, tell(found.events), read_delta(found.folder / "delta"), truth, label("whose.recorded"))


def can_run(method: str, objective: str) -> bool:
    """Whether the engine has both, told by their files: the web process does not import what needs torch."""
    return (ENGINE / "adapt" / f"{method}.py").exists() and (ENGINE / "objectives" / f"{objective}.py").exists()


def delta_of(run: jobs.RunStatus) -> Delta | None:
    """ΔW of a run that is done and still has its files."""
    if run.state != "done" or run.artifacts_removed:
        return None
    return read_delta(jobs.artifact_dir(run.run_id) / "delta")


def events_of(run_id: str) -> list[Event]:
    """All events of a run; each page view reads only those that it has not seen yet."""
    seen: list[tuple[int, Event]] = st.session_state.setdefault(f"events-{run_id}", [])
    seen.extend(jobs.events(run_id, after=seen[-1][0] if seen else 0))
    return [event for _, event in seen]
