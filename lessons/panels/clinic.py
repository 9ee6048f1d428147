"""Break it: a run that goes wrong on purpose. Symptoms first; the learner names the cause; then it is mended and run again."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from engine import jobs
from engine.contracts import DeltaLabError, RunSpec, SpecError
from engine.doctor import findings
from lessons.panels.current import own
from lessons.panels.run import about
from lessons.panels.wait import wait_for
from lessons.text import fill, label, prose, table


class Fault(NamedTuple):
    """One table of lessons/text/<lesson>/break.toml."""

    title: str
    symptom: str
    """What is seen, in Markdown, before anything is said of the cause."""
    causes: tuple[dict[str, Any], ...]
    """Each with `text`, `feedback` and, on one of them, `right = true`."""
    change: dict[str, Any] = {}
    """Fields of the spec that break it; empty for a case told in words alone."""
    task: str = ""
    """The only task on which it was seen to break; empty where any does."""


def faults(lesson: str) -> tuple[Fault, ...]:
    """The cases of a lesson, in the order of its file."""
    return tuple(Fault(**{**row, "causes": tuple(row["causes"])}) for row in table(f"{lesson}/break").get("fault", []))


def clinic(lesson: str, default: RunSpec | None) -> None:
    """Every case of a lesson; those that need a run are told in words where there is none to make."""
    for place, fault in enumerate(faults(lesson)):
        with st.container(border=True, key=f"fault-{place}"):
            st.subheader(fault.title, anchor=False)
            st.markdown(fill(fault.symptom), unsafe_allow_html=True)
            broken = broken_spec(default, fault) if default else None
            if broken is not None:
                _run(broken, label("clinic.broken", about=about(broken)), f"{lesson}-{place}-broken")
            if _diagnosis(fault, f"{lesson}-{place}") and broken is not None and default is not None:
                _run(default, label("clinic.mend", about=about(default)), f"{lesson}-{place}-mended")


def broken_spec(default: RunSpec, fault: Fault) -> RunSpec | None:
    """The default run with the fault in it; None where the fault does not go with this cell."""
    if not fault.change or fault.task not in ("", default.task):
        return None
    try:
        return default.with_(**fault.change)
    except (SpecError, TypeError):
        return None


def _diagnosis(fault: Fault, key: str) -> bool:
    """The causes to choose from, and what is said to the one that was named; true once it is the right one."""
    texts = [cause["text"] for cause in fault.causes]
    named = st.radio(label("clinic.ask"), texts, index=None, key=f"clinic-{key}", persist_state="session")
    if named is None:
        return False
    cause = fault.causes[texts.index(named)]
    right = bool(cause.get("right"))
    (st.success if right else st.warning)(f"**{label('clinic.right' if right else 'clinic.wrong')}** {cause['feedback']}")
    return right


def _run(spec: RunSpec, name: str, key: str) -> None:
    """A button that submits a spec; while it lives, how far it is; once it ran, what it showed."""
    run_id = st.session_state.get(f"clinic-run-{key}") or jobs.find_finished(spec)
    run = jobs.status(run_id) if run_id else None
    if run is not None and run.live:
        wait_for(run.run_id, "clinic.waits", f"clinic-{key}")
    elif run is not None and run.state == "done":
        _outcome(run)
    else:
        if run is not None:
            (st.error if run.state == "failed" else st.info)(f"{run.sentence} {run.remedy}")
        if st.button(name, key=f"clinic-start-{key}"):
            try:
                st.session_state[f"clinic-run-{key}"] = jobs.submit(spec)
                st.rerun()
            except DeltaLabError as error:
                st.error(str(error))


def _outcome(run: jobs.RunStatus) -> None:
    story = own(run).story
    st.markdown(f"**{label('clinic.found')}**")
    for finding in findings(story):
        prose("read", finding.key, **finding.values)
    if story.latest and story.latest.answers:
        said = story.latest.answers[0]
        st.caption(f"{said.prompt} → {said.tuned or label('answers.nothing')}")
