"""All runs of this machine: what they were, how they ended, what they take; open, pin, cancel."""

from __future__ import annotations

import datetime

import streamlit as st

from engine import jobs
from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.jobs.space import cap_bytes
from lessons import arc
from lessons.catalog import page_of
from lessons.panels.arena_field import compare_link
from lessons.text import label, prose
from viz.label import moment_text

PAGE = "runs"
SHOWN = 30
POLL_SECONDS = 2.0
ICONS = {"queued": "schedule", "running": "autorenew", "done": "check", "cancelled": "stop_circle", "failed": "error"}


def page() -> None:
    """A row a run, newest first."""
    arc.header(PAGE)
    found = jobs.recent(SHOWN)
    if not found:
        st.info(label("runs.none"))
        return
    kept = sum(run.bytes for run in found)
    prose(PAGE, "cap", kept=f"{kept / 1e6:,.0f} MB", cap=f"{cap_bytes() / 1e9:g} GB")
    live = any(run.live for run in found)
    st.fragment(_rows, run_every=POLL_SECONDS if live else None)()


def _rows() -> None:
    for run in jobs.recent(SHOWN):
        with st.container(border=True, key=f"run-{run.run_id}"):
            _row(run)


def _row(run: jobs.RunStatus) -> None:
    spec = run.spec
    model = MODELS[spec.model].title if spec.model in MODELS else spec.model
    task = TASKS[spec.task].title if spec.task in TASKS else spec.task
    when = moment_text(datetime.datetime.fromtimestamp(run.created))
    st.markdown(f":material/{ICONS[run.state]}: **{label(f'methods.{spec.method}')} · {task}** · {model}")
    scores = (run.result or {}).get("score_before"), (run.result or {}).get("score_after")
    score = label("runs.score", before=f"{100 * scores[0]:.0f}", after=f"{100 * scores[1]:.0f}") if None not in scores else ""
    files = label("runs.removed") if run.artifacts_removed else label("runs.size", size=f"{run.bytes / 1e6:.1f}")
    state = label("runs.state", when=when, state=label(f"states.{run.state}"), seed=spec.seed)
    st.caption(f"{state}{score}{files if not run.live else ''}")
    if run.state == "failed":
        st.error(f"{run.sentence} {run.remedy}")
    with st.container(horizontal=True, vertical_alignment="center"):
        home = page_of(spec.method, spec.objective, spec.task).path
        if home in st.session_state.get("pages", {}) and st.button(label("runs.open"), key=f"open-{run.run_id}"):
            st.switch_page(st.session_state["pages"][home], query_params={"run": run.run_id})
        if run.state == "done":
            compare_link(spec, run.run_id)
        if run.live:
            st.button(label("run.cancel"), key=f"cancel-{run.run_id}", on_click=jobs.cancel, args=(run.run_id,))
        elif not run.artifacts_removed:
            pin, help_ = label("runs.unpin" if run.pinned else "runs.pin"), label("runs.pin_help")
            st.button(pin, key=f"pin-{run.run_id}", on_click=jobs.pin, args=(run.run_id, not run.pinned), help=help_)
