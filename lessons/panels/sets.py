"""Recorded sets of runs that a lesson shows: ΔW cut to a rank, and learning rates over epochs. Nothing where a set is not recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import streamlit as st

from engine.recorded.scenes import SceneData, find_scene
from lessons.panels.planner_fit import markdown_table
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import label, prose
from viz.label import TruthLabel
from viz.sweep_surface import describe_sweep_surface, draw_sweep_surface, get_sweep_surface_info, sweep_surface_tables

MODELS = ("smollm2-135m-instruct", "nano-0.5m")
LOOKS = ("score", "loss", "probe")


def recorded_set(name: str) -> SceneData | None:
    """The set of that name for the real model, else for a nano one."""
    return next((found for model in MODELS if (found := find_scene(f"{name}-{model}"))), None)


def recorded_first(make: Callable[[str], Scene | None]) -> Scene | None:
    """The scene of the first model that it is recorded for, the real one before the nano one."""
    return next((scene for model in MODELS if (scene := make(model))), None)


def rank_table() -> None:
    """Full fine-tuning's ΔW cut to rank r and scored again, beside LoRA trained at r."""
    found = recorded_set("ranks")
    if found is None:
        return
    ranks, cut, trained, whole = (found.arrays[name] for name in ("ranks", "cut", "trained", "whole"))
    prose("lora", "cut", whole=f"{100 * whole[0]:.0f}")
    rows = [
        {
            label("ranks.rank"): str(rank),
            label("ranks.energy"): f"{100 * cut[place][2]:.0f}%",
            label("ranks.cut"): f"{100 * cut[place][0]:.0f}%",
            label("ranks.trained"): f"{100 * trained[place - 1][0]:.0f}%" if rank else label("choose.unknown"),
        }
        for place, rank in enumerate(ranks.tolist())
    ]
    markdown_table(rows)
    st.caption(truth_of(found).text + " · " + found.about["specs"][0]["model"])


def rates_panel() -> None:
    """One number over learning rate and epochs; the learner chooses which."""
    found = recorded_set("rates")
    if found is None:
        return
    prose("full-fine-tuning", "sweep", model=found.about["specs"][0]["model"])
    look = st.segmented_control(
        label("rates.look"), LOOKS, default="score", format_func=lambda name: label(f"rates.{name}"), key="rates-look"
    )
    stage(rates_scene(look or "score"), key=f"rates-{look or 'score'}")


@cache
def rates_scene(name: str) -> Scene:
    """Recorded data do not change while the app runs, so each surface is drawn once."""
    found = recorded_set("rates")
    assert found is not None
    rates, epochs, values = found.arrays["rates"], found.arrays["epochs"], found.arrays[name]
    rows = [(float(r), float(e), float(values[i, j])) for i, r in enumerate(rates) for j, e in enumerate(epochs)]
    axes = {"x": (label("rates.rate"), "log10"), "y": (label("rates.epochs"), "linear")}
    info = get_sweep_surface_info(rows, **axes, z=label(f"rates.{name}"), title=label(f"rates.{name}"), label=truth_of(found))
    return plain_stage(info.title, draw_sweep_surface(info), describe_sweep_surface(info), sweep_surface_tables(info), height_px=380)


def truth_of(found: SceneData) -> TruthLabel:
    return TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
