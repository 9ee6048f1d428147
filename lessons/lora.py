"""The LoRA lesson."""

from __future__ import annotations

from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL, MODELS
from lessons.lesson import Lesson, View, show
from lessons.panels.delta import delta_panel, spectrum_panel
from lessons.panels.numbers import of_run
from lessons.panels.sets import rank_table, variants_table
from lessons.text import prose


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
    """The spectrum of the matrix that the stage shows, and the functional test of rank."""
    if view.shown and view.shown.delta and view.shown.delta.drawable:
        prose("lora", "spectrum", rank=view.shown.spec.rank)
        spectrum_panel(view.shown, key="lora-delta")
    rank_table()


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
