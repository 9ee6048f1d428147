"""The LoRA lesson."""

from __future__ import annotations

from collections.abc import Callable

from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL, MODELS
from lessons.lesson import Lesson, View, show
from lessons.panels.delta import capitalised, delta_panel, spectrum_panel
from lessons.panels.numbers import of_run
from lessons.panels.pictures import pictures
from lessons.panels.sets import rank_table, variants_table
from lessons.stage import planner_scenes, run_scenes
from lessons.stage.scene import Scene
from lessons.text import prose

NANO = "nano-0.5m"
"""The model whose run was kept step by step."""


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, and the sums for one of its matrices."""
    spec = view.shown.spec if view.shown else default_spec()
    out, in_ = MODELS.get(spec.model, MODELS[DEFAULT_MODEL]).linear_modules["down_proj"]
    rank = spec.rank or 8
    thin, full = rank * (out + in_), out * in_
    sums = {"out": out, "in_": in_, "rank": rank, "thin": f"{thin:,}", "full": f"{full:,}", "ratio": f"{full / thin:.0f}"}
    return {**of_run(view), **sums}


def picture(view: View) -> None:
    delta_panel(view.shown, key="lora-delta")


def see(view: View) -> None:
    """The spectrum of the matrix that the stage shows, the functional test of rank, and other pictures of the same idea."""
    if view.shown and view.shown.delta and view.shown.delta.drawable:
        prose("lora", "spectrum", rank=view.shown.spec.rank)
        spectrum_panel(view.shown, key="lora-delta")
    rank_table()
    pictures("lora", {**_own(view), "playback": lambda: run_scenes.playback_scene(NANO), "counting": planner_scenes.counting_scene})


def _own(view: View) -> dict[str, Callable[[], Scene | None]]:
    """The run as a city, where it has a ΔW."""
    if view.shown is None or view.shown.delta is None:
        return {}
    delta, truth, caption = view.shown.delta, view.shown.label, capitalised(view.shown.whose) + "."
    return {"city": lambda: run_scenes.city_scene(delta, truth, caption=caption)}


def run(view: View) -> None:
    prose("lora", "variants")
    variants_table()


def read(view: View) -> None:
    prose("lora", "keep", **numbers(view))


LESSON = Lesson(
    "lora",
    methods=("lora",),
    claims=("10000x", "lora-0.5-1", "30mb", "128x"),
    code={
        "adapter": ("engine/adapt/lora.py", "LoRA"),
        "loss": ("engine/objectives/sft.py", "sft_loss"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"see": see, "run": run, "read": read},
)
