"""Every adaptation with every objective that it makes sense with: a few steps of a real run, from the cell's own defaults."""

import math
from dataclasses import replace

import pytest

from engine.catalog.defaults import default_spec
from engine.contracts import CELLS, Ended, Evaluated, Step
from engine.tasks import load as load_task
from engine.training import observe, train

MODEL = "nano-0.1m"
SMALL = {"steps": 3, "examples": 8, "micro_batch": 2, "eval_every": 0}


@pytest.mark.parametrize(("objective", "method"), [(objective, method) for objective, methods in CELLS.items() for method in methods])
def test_every_cell_trains(objective, method, monkeypatch):
    monkeypatch.setattr(observe, "load_task", lambda name: replace(task := load_task(name), heldout=task.heldout[:4]))
    spec = default_spec(MODEL, method=method, objective=objective, **SMALL)
    events = list(train(spec))
    ended, steps = events[-1], [event for event in events if isinstance(event, Step)]
    assert isinstance(ended, Ended) and ended.status == "done" and ended.result, ended
    assert len(steps) == SMALL["steps"] and steps[0].learning_rate > 0
    base, tuned = (event for event in events if isinstance(event, Evaluated))
    assert tuned.drift > 0 or method == "head", "something has moved"
    assert tuned.loss != base.loss


@pytest.mark.parametrize(
    ("task", "method", "objective", "changes"),
    [
        ("sentiment", "head", "classify", {"steps": 60, "examples": 16}),
        ("brief", "lora", "dpo", {"steps": 2, "examples": 4, "micro_batch": 2}),
    ],
)
def test_two_cells_of_the_chat_model(task, method, objective, changes, monkeypatch):
    """With the fetched weights: a head learns its classes, and DPO starts at ln 2 and moves."""
    monkeypatch.setattr(observe, "load_task", lambda name: replace(found := load_task(name), heldout=found.heldout[:8]))
    events = list(train(default_spec("smollm2-135m-instruct", task, method, objective=objective, eval_every=0, **changes)))
    ended, steps = events[-1], [event for event in events if isinstance(event, Step)]
    assert isinstance(ended, Ended) and ended.status == "done" and ended.result
    if objective == "dpo":
        assert steps[0].loss == pytest.approx(math.log(2), abs=0.02) and steps[1].loss < steps[0].loss
        assert ended.result["kept_before"] >= 0.5, "the base answers most of the probe's questions"
    else:
        assert ended.result["score_after"] >= 0.75 > ended.result["score_before"]
