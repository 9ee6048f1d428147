"""A run beside the page's own while it lives: how far it is, and a cancel. The page is drawn anew once it has ended."""

from __future__ import annotations

import streamlit as st

from engine import jobs
from engine.doctor import tell
from lessons.panels.current import events_of
from lessons.text import label

POLL_SECONDS = 1.0


def wait_for(run_id: str, words: str, key: str) -> None:
    """Watch a run that is queued or trains; `words` is the label of the bar, which says `state`."""
    st.fragment(_progress, run_every=POLL_SECONDS)(run_id, words, key)


def _progress(run_id: str, words: str, key: str) -> None:
    run = jobs.status(run_id)
    if not run.live:
        st.rerun(scope="app")
    story = tell(events_of(run_id))
    steps = label("run.step", step=story.steps[-1].step, steps=run.spec.steps) if story.steps else run.sentence
    st.progress(story.progress, label(words, state=steps))
    if st.button(label("run.cancel"), key=f"{key}-cancel", disabled=run.cancelling):
        jobs.cancel(run_id)
        st.rerun(scope="fragment")
