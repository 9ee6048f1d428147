"""The full fine-tuning lesson."""

from __future__ import annotations

import streamlit as st

from engine.catalog.models import MODELS
from lessons.lesson import Lesson, View, show
from lessons.panels.delta import delta_panel, spectrum_panel
from lessons.panels.memory import WAYS, memory_panel, of_7b
from lessons.panels.numbers import of_run
from lessons.panels.pictures import pictures
from lessons.panels.set_words import early_words
from lessons.panels.sets import rates_panel, rates_scene, rates_table, recorded_set, rehearsal_table
from lessons.stage.run_scenes import landscape_scene
from lessons.text import label, prose

PLANES = {"landscape": lambda: landscape_scene("nano-0.5m"), "forgetting": lambda: landscape_scene("nano-0.5m", "forgetting")}


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, and what a 7B model would take."""
    copies = {f"copy_{name}": f"{answer.checkpoint_bytes / 1e9:.0f}" for name, answer in of_7b().items()}
    sums = {f"gib_{name}": f"{answer.reserve.reserved_gib:.0f}" for name, answer in of_7b().items()}
    size = MODELS[view.shown.spec.model].parameters if view.shown and view.shown.spec.model in MODELS else 0
    return {**of_run(view), **copies, **sums, "parameters": f"{size:,}", "states": f"{16 * size / 1e9:.2f}"}


def picture(view: View) -> None:
    delta_panel(view.shown, key="full-delta")


def see(view: View) -> None:
    """The spectrum of the full ΔW beside LoRA's, the plane that holds both runs, then the memory sum of a 7B model."""
    if view.shown and view.shown.delta and view.shown.delta.drawable:
        prose("full-fine-tuning", "spectrum")
        spectrum_panel(view.shown, key="full-delta")
    pictures("full", PLANES)
    prose("full-fine-tuning", "memory", **numbers(view))
    choice = st.segmented_control(
        label("memory.way"), list(WAYS), default="mixed", format_func=lambda name: label(f"memory.{name}"), key="memory-way"
    )
    memory_panel(of_7b()[choice or "mixed"], key="full-memory")


def run(view: View) -> None:
    rates_panel()


def read(view: View) -> None:
    found = recorded_set("rates")
    prose("full-fine-tuning", "forgetting", early=early_words(found) if found else "")
    rates_table()
    rehearsal_table()


LESSON = Lesson(
    "full-fine-tuning",
    methods=("full",),
    claims=("28-56-30", "7b-one-a100"),
    code={
        "method": ("engine/adapt/full.py", "FullFineTuning"),
        "loss": ("engine/objectives/sft.py", "sft_loss"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"see": see, "run": run, "read": read},
    once=(PLANES["landscape"], lambda: rates_scene("score"), of_7b),
)
