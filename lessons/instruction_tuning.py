"""The instruction tuning lesson."""

from __future__ import annotations

from engine.catalog.defaults import default_spec
from lessons.lesson import Lesson, View, show
from lessons.panels.delta import delta_panel
from lessons.panels.numbers import of_run
from lessons.stage import stage
from lessons.stage.method_scenes import mixture_scene
from lessons.text import prose

MODEL = "smollm2-135m-instruct"


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, and how many types of task it draws from."""
    return {**of_run(view), "types": default_spec(MODEL, "instructions").task_types}


def picture(view: View) -> None:
    """The set of runs where it is recorded, else the ΔW of one run."""
    scene = mixture_scene(MODEL)
    if scene is None:
        delta_panel(view.shown, key="instructions-delta")
    else:
        stage(scene, key="mixture")


def read(view: View) -> None:
    prose("instruction-tuning", "data")


LESSON = Lesson(
    "instruction-tuning",
    methods=("lora", "full", "qlora"),
    tasks=("instructions",),
    code={
        "loss": ("engine/objectives/sft.py", "SFT"),
        "rows": ("engine/objectives/rows.py", "make_row"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"read": read},
)
