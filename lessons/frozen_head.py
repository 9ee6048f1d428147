"""The lesson on a frozen backbone and a head."""

from __future__ import annotations

from engine.catalog.models import DEFAULT_MODEL, MODELS
from engine.catalog.tasks import TASKS
from lessons.lesson import Lesson, View, show
from lessons.panels.numbers import of_run
from lessons.panels.results import methods_table
from lessons.panels.sets import recorded_first
from lessons.stage import method_scenes, planner_scenes, stage
from lessons.stage.scene import Scene
from lessons.text import prose

USUAL_TASK = "sentiment"


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    model = MODELS.get(view.cell.model if view.cell else DEFAULT_MODEL, MODELS[DEFAULT_MODEL])
    width = model.config["hidden_size"]
    classes = TASKS[view.cell.task if view.cell else USUAL_TASK].classes
    return {**of_run(view), "classes": classes, "width": width, "head": f"{classes * width:,}"}


def picture(view: View) -> None:
    """Features and the turning plane where they are recorded, and the stairs of trained shares."""
    if (turning := plane()) is not None:
        stage(turning, key="head-plane")
    stage(planner_scenes.staircase_scene(), key="head-stairs")


def plane() -> Scene | None:
    return recorded_first(method_scenes.head_scene)


def read(view: View) -> None:
    prose("frozen-head", "against")
    methods_table(
        DEFAULT_MODEL, "sentiment", ("head", "lora", "full", "prompt", "prefix"), ("score", "trained", "seconds", "probe"), "classify"
    )
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
    once=(plane, planner_scenes.staircase_scene),
)
