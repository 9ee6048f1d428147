"""The QLoRA lesson."""

from __future__ import annotations

import streamlit as st

from engine.planner.accuracy import own_rows
from lessons.lesson import Lesson, View, show
from lessons.panels.numbers import of_run, planned
from lessons.stage import stage, weights_scenes
from lessons.text import label, prose

SCENES = {
    "levels": weights_scenes.levels_scene,
    "block": weights_scenes.block_scene,
    "error": weights_scenes.error_scene,
    "double": weights_scenes.double_scene,
}
PARTS = {"block": 9, "error": 27}
"""How many parts are offered: the blocks of the first row, and all squares of 64 x 64."""


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, and bits and gigabytes of weights."""

    def gigabytes(model: str, weights: str, method: str) -> float:
        held = planned(model, method, weights=weights).estimate.standing.terms_bytes
        return (held["weights"] + held.get("quant_constants", 0.0)) / 1e9

    seven = "meta-llama/Llama-2-7b-hf"
    sums = {
        "bits": f"{4 + 8 / 64 + 32 / (64 * 256):.3f}",
        "weights_16": f"{gigabytes(seven, 'bf16', 'lora'):.1f}",
        "weights_4": f"{gigabytes(seven, 'nf4-dq', 'qlora'):.1f}",
        "weights_65": f"{gigabytes('huggyllama/llama-65b', 'nf4-dq', 'qlora'):.1f}",
        **{f"measured_{row.id[:2]}": f"{row.measured_gib:.1f}" for row in own_rows() if row.id in ("65b-qlora", "70b-qlora")},
    }
    return {**of_run(view), **sums}


def picture(view: View) -> None:
    """One of four pictures of the same real weights; two of them show a part, which the learner chooses."""
    choice = st.segmented_control(
        label("qlora.picture"), list(SCENES), default="levels", format_func=lambda name: label(f"qlora.{name}"), key="qlora-picture"
    )
    name = choice or "levels"
    place = {}
    if name in PARTS:
        number = st.selectbox(label(f"qlora.which_{name}"), range(PARTS[name]), format_func=lambda n: str(n + 1), key=f"qlora-which-{name}")
        place = {"number": number}
    stage(SCENES[name](**place), key=f"qlora-{name}")


def see(view: View) -> None:
    prose("qlora", "bits", **numbers(view))


def read(view: View) -> None:
    prose("qlora", "price")


LESSON = Lesson(
    "qlora",
    methods=("qlora",),
    claims=("70b-24gb", "65b-48gb"),
    code={
        "adapter": ("engine/adapt/qlora.py", "QLoRA"),
        "quantized": ("engine/adapt/four_bit.py", "FourBitLinear"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"see": see, "read": read},
)
