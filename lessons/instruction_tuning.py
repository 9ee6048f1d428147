"""The instruction tuning lesson."""

from __future__ import annotations

from engine.catalog.defaults import default_spec
from lessons.lesson import Lesson, View, show
from lessons.panels.delta import delta_panel
from lessons.panels.measured import percent
from lessons.panels.numbers import of_run
from lessons.panels.results import methods_table
from lessons.panels.sets import mixture_table
from lessons.stage import stage
from lessons.stage.method_scenes import mixture_scene
from lessons.text import prose

MODEL = "smollm2-135m-instruct"
CARRIED = 0.1
"""Rise of the share of orders that never train from which on they count as learned too."""


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, how many types of task it draws from, and the score on orders that never train."""
    model, task = (view.cell.model, view.cell.task) if view.cell else (MODEL, "instructions")
    found = {**of_run(view), "types": default_spec(model, task).task_types}
    if unseen := unseen_scores(view):
        found |= {"unseen_before": percent(unseen[0]), "unseen_after": percent(unseen[1])}
    return found


def unseen_scores(view: View) -> tuple[float, float] | None:
    """Share of orders of types that never train, before and after; None for a run that was not asked any."""
    looks = view.shown.story.looks if view.shown else ()
    scores = [look.metrics["unseen_score"] for look in looks if "unseen_score" in look.metrics]
    return (scores[0], scores[-1]) if len(scores) > 1 else None


def picture(view: View) -> None:
    """The set of runs where it is recorded, else the ΔW of one run."""
    scene = mixture_scene(MODEL)
    if scene is None:
        delta_panel(view.shown, key="instructions-delta")
    else:
        stage(scene, key="mixture")


def read(view: View) -> None:
    if unseen := unseen_scores(view):
        carried = unseen[1] - unseen[0] >= CARRIED
        prose("instruction-tuning", "orders-carried" if carried else "orders", **numbers(view))
    mixture_table()
    prose("instruction-tuning", "methods")
    methods_table(MODEL, "instructions", ("full", "lora", "qlora", "prompt", "prefix"), ("score", "loss", "probe"))
    prose("instruction-tuning", "data")


LESSON = Lesson(
    "instruction-tuning",
    methods=("lora", "full", "qlora"),
    tasks=("instructions", "orders"),
    code={
        "loss": ("engine/objectives/sft.py", "SFT"),
        "rows": ("engine/objectives/rows.py", "make_row"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"read": read},
    once=(lambda: mixture_scene(MODEL),),
)
