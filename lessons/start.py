"""The first page: what fine-tuning is, seen on a real model, and where to go next."""

from __future__ import annotations

import streamlit as st

from engine.catalog.models import DEFAULT_MODEL, MODELS
from lessons import arc
from lessons.panels import current
from lessons.panels.answers import answers_table
from lessons.text import prose, read

PAGE = "start"


def page() -> None:
    """Idea, base and tuned side by side, and the next step."""
    arc.header(PAGE, title="What fine-tuning is", lead=read(PAGE, "lead"))
    card = MODELS[DEFAULT_MODEL]
    shown = current.recorded(card.name, card.tasks[0], "lora")
    with arc.body():
        with arc.part("see"):
            if shown and shown.story.latest:
                seconds = f"{shown.story.steps[-1].seconds:.0f}"
                prose(PAGE, "see", examples=shown.spec.examples, seconds=seconds)
                answers_table(shown.story.latest.answers, f"{card.title} · LoRA · {shown.label.text}", shown=4)
        with arc.part("idea"):
            prose(PAGE, "idea")
        with arc.part("run"):
            prose(PAGE, "next")
            if st.button("Open the LoRA lesson", type="primary", key="next"):
                st.switch_page(st.session_state["pages"]["lora"])
