"""The lesson on a frozen backbone and a head."""

from __future__ import annotations

from engine.catalog.models import DEFAULT_MODEL, MODELS
from lessons.lesson import Lesson, View, show
from lessons.panels.numbers import of_run
from lessons.stage import planner_scenes, stage
from lessons.text import prose

CLASSES = 2


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    model = MODELS[view.cell.model if view.cell else DEFAULT_MODEL]
    return {**of_run(view), "head": f"{CLASSES * (model.config['hidden_size'] + 1):,}"}


def picture(view: View) -> None:
    stage(planner_scenes.staircase_scene(), key="head-stairs")


def read(view: View) -> None:
    prose("frozen-head", "enough")


LESSON = Lesson(
    "frozen-head",
    methods=("head", "lora", "full"),
    objectives=("classify",),
    claims=("head-0.1",),
    code={
        "head": ("engine/adapt/head.py", ""),
        "loss": ("engine/objectives/classify.py", ""),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"read": read},
)
