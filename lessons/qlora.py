"""The QLoRA lesson."""

from __future__ import annotations

from functools import cache
from statistics import fmean

import streamlit as st

from engine.catalog.models import DEFAULT_MODEL
from engine.planner.accuracy import own_rows
from engine.recorded.table import rows
from lessons.lesson import NOTHING_SHOWN, Lesson, View, show
from lessons.panels.measured import measured
from lessons.panels.numbers import of_run, planned
from lessons.panels.results import methods_table
from lessons.stage import stage, weights_scenes
from lessons.text import label, prose

CARD_48 = "A6000"
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
        **{f"measured_{row.id[:2]}": f"{row.allocated.truth:.1f}" for row in own_rows() if row.id in ("65b-qlora", "70b-qlora")},
    }
    return {**of_run(view), **sums, **speeds()}


@cache
def speeds() -> dict[str, str]:
    """QLoRA's tokens a second over LoRA's, the mean over all pairs of recorded runs that differ in the method alone and ran on one machine."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in rows():
        if row.spec.model == DEFAULT_MODEL and row.spec.method in ("lora", "qlora"):
            cell = (row.machine.get("gpu", ""), str(row.machine), row.spec.task, row.spec.objective, str(row.spec.seed))
            found.setdefault(cell, {})[row.spec.method] = row.result["tokens_per_second"]
    pairs = {cell: pair["qlora"] / pair["lora"] for cell, pair in found.items() if len(pair) == 2}
    return {
        "speed_pairs": str(len(pairs)),
        "speed_ratio": f"{100 * fmean(pairs.values()):.0f}%",
        "speed_gpu": ", ".join(sorted({cell[0] for cell in pairs})),
    }


def room() -> dict[str, object]:
    """What LLaMA-65B leaves of a card of 48 GB, in GiB, as the calculator says it for the two lengths."""
    short, long = (
        planned("huggyllama/llama-65b", "qlora", gpu=CARD_48, rank=64, targets="all-linear", checkpointing="full", seq_len=tokens)
        for tokens in (512, 2048)
    )
    low, high = short.reserve.reserved_interval_gib
    return {
        "card": CARD_48,
        "usable": f"{short.gpu.usable_gib:.1f}",
        "reserved": f"{short.reserve.reserved_gib:.1f}",
        "margin": f"{short.gpu.usable_gib - short.reserve.reserved_gib:.1f}",
        "low": f"{low:.1f}",
        "high": f"{high:.1f}",
        "verdict": label(f"choose.{short.verdict}"),
        "margin_long": f"{long.gpu.usable_gib - long.reserve.reserved_gib:.1f}",
    }


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
    stage(SCENES[name](**place), key=f"qlora-{name}", empty=label("text.no_picture"))


def see(view: View) -> None:
    prose("qlora", "bits", **numbers(view))


def claims(view: View) -> None:
    prose("qlora", "room", **room())


def read(view: View) -> None:
    prose("qlora", "price")
    prose("qlora", "cost", **measured())
    methods_table(DEFAULT_MODEL, "facts", ("lora", "qlora"), ("score", "loss", "probe"))


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
    parts={"see": see, "read": read, "claims": claims},
    once=(weights_scenes.levels_scene, room, lambda: numbers(NOTHING_SHOWN)),
)
