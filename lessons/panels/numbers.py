"""Numbers that the prose of several lessons asks for: of the run on the page, and of the calculator's sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog.defaults import default_spec
from engine.catalog.tasks import TASKS
from engine.planner.answer import Answer, cached_answer
from engine.planner.options import read_options
from lessons.panels.measured import percent
from lessons.text import label

if TYPE_CHECKING:
    from lessons.lesson import View


def of_run(view: View) -> dict[str, object]:
    """What the page's default run looks like before it starts."""
    spec = default_spec(view.cell.model, view.cell.task, view.cell.method, objective=view.cell.objective) if view.cell else default_spec()
    started = view.kept.story.started if view.kept else None
    return {
        "examples": spec.examples,
        "steps": spec.steps,
        "micro_batch": spec.micro_batch,
        "epochs": f"{spec.steps * spec.micro_batch / spec.examples:.2g}",
        "rate": f"{spec.learning_rate:g}",
        "prompts": TASKS[spec.task].heldout_examples,
        "share": percent(started.trainable_params / started.total_params) if started else label("run.small_share"),
        "whose": view.shown.whose if view.shown else label("whose.yours"),
    }


def planned(model: str, method: str, **options: object) -> Answer:
    """The calculator's answer, remembered. Raises SpecError where the question cannot be answered."""
    return cached_answer(read_options({"model": model, "method": method, **options}))
