"""The last lesson: choosing a method."""

from __future__ import annotations

from engine.catalog.models import DEFAULT_MODEL
from engine.planner.catalogue import find
from engine.planner.hardware import find_gpu
from lessons.lesson import Lesson, View, show
from lessons.panels.choose import (
    CARDS,
    METHODS,
    MODELS,
    answers,
    choose_boxes,
    chosen,
    comparison,
    cost_rows,
    costs,
    fitting,
    path,
    quality,
    short,
)
from lessons.panels.pictures import pictures
from lessons.panels.progress import done
from lessons.stage import planner_scenes, run_scenes, stage
from lessons.text import prose

MEASURED = {
    "bars": lambda: run_scenes.bars_scene(DEFAULT_MODEL, "facts"),
    "measured": lambda: run_scenes.choosing_scene(DEFAULT_MODEL, "facts"),
    "staircase": lambda: planner_scenes.staircase_scene(chosen()[0]),
}


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """Of the chosen model and card."""
    model, card = chosen()
    return {
        "name": short(model),
        "billions": f"{find(model).total_params / 1e9:.2g}",
        "card": f"{find_gpu(card).nominal_gb:g}",
        "bf16_gib": f"{answers(model, card)['full'].reserve.reserved_gib:.0f}",
    }


def picture(view: View) -> None:
    """All methods as towers against the card."""
    stage(planner_scenes.towers_scene(*chosen()), key="choosing-towers")


def see(view: View) -> None:
    """The comparison table of the chosen model, then what was measured on a small one."""
    choose_boxes()
    comparison(*chosen())
    quality(*chosen())
    pictures("choosing", MEASURED)


def run(view: View) -> None:
    path()
    prose("choosing", "costs")
    costs()
    done(view.learner, "choosing", "run")


LESSON = Lesson(
    "choosing",
    claims=("70b-24gb", "65b-48gb", "0.05-percent", "10000x"),
    code={"memory": ("engine/planner/memory.py", "estimate")},
    numbers=numbers,
    picture=picture,
    parts={"see": see, "run": run},
    once=(lambda: planner_scenes.towers_scene(MODELS[2], CARDS[0]), cost_rows, MEASURED["bars"]),
    prompts=lambda view: len(METHODS),
    truth=lambda view: fitting(*chosen()),
)
