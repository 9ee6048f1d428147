"""All runs of this machine: what they were, how they ended, what they take; open, pin, cancel."""

from __future__ import annotations

import datetime

import streamlit as st

from engine import jobs
from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.jobs.space import cap_bytes
from lessons import arc
from lessons.text import prose

PAGE = "runs"
SHOWN = 30
POLL_SECONDS = 2.0
ICONS = {"queued": "schedule", "running": "autorenew", "done": "check", "cancelled": "stop_circle", "failed": "error"}


def page() -> None:
    """A row a run, newest first."""
    arc.header(PAGE)
    found = jobs.recent(SHOWN)
    if not found:
        st.info("No runs yet. Open the LoRA lesson and press Run.")
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
    when = datetime.datetime.fromtimestamp(run.created).strftime("%-d %b %Y, %H:%M")
    st.markdown(f":material/{ICONS[run.state]}: **{spec.method} · {task}** · {model}")
    score = f" · score {100 * run.result['score_before']:.0f}% → {100 * run.result['score_after']:.0f}%" if run.result else ""
    files = " · files removed to make room" if run.artifacts_removed else f" · {run.bytes / 1e6:.1f} MB"
    st.caption(f"{when} · {run.state}{score} · seed {spec.seed}{files if not run.live else ''}")
    if run.state == "failed":
        st.error(f"{run.sentence} {run.remedy}")
    with st.container(horizontal=True):
        if spec.method == "lora" and st.button("Open", key=f"open-{run.run_id}"):
            st.switch_page(st.session_state["pages"]["lora"], query_params={"run": run.run_id})
        if run.live:
            st.button("Cancel", key=f"cancel-{run.run_id}", on_click=jobs.cancel, args=(run.run_id,))
        elif not run.artifacts_removed:
            pin = "Unpin" if run.pinned else "Pin"
            help_ = "A pinned run keeps its files when others are removed to make room."
            st.button(pin, key=f"pin-{run.run_id}", on_click=jobs.pin, args=(run.run_id, not run.pinned), help=help_)
