"""Specs are held against models and tasks before anything loads; defaults make a working spec for every cell."""

import pytest

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.contracts import CELLS, SpecError

PLACES = [(card.name, task, objective) for card in MODELS.values() for task in card.tasks for objective in TASKS[task].objectives]


@pytest.mark.parametrize(("model", "task", "objective"), PLACES)
def test_every_cell_has_a_default_that_passes(model, task, objective, monkeypatch):
    monkeypatch.setattr("engine.catalog.check.is_present", lambda name: True)
    for method in CELLS[objective]:
        check(default_spec(model, task, method, objective=objective))


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"rank": 49}, r"rank=49 is above 48, the most that \w+ \(\d+ x \d+\) can have; use 48 or less"),
        ({"targets": "q_proj,foo"}, "matches nothing named foo in nano-0.1m; it has q_proj, k_proj"),
        ({"examples": 9999}, "examples=9999 is more than the"),
        ({"task": "pirate"}, "task=pirate does not suit model=nano-0.1m; it is made for smollm2"),
    ],
)
def test_refusals(chosen, says):
    with pytest.raises(SpecError, match=says):
        check(default_spec("nano-0.1m", **{"task": "stories", **chosen}))


@pytest.mark.parametrize(
    ("task", "chosen", "says"),
    [
        ("pirate", {"task_types": 2}, r"task_types=2 belongs to a mixture of types \(instructions, orders\); leave it out for task=pirate"),
        ("instructions", {"task_types": None}, "task_types is missing; task=instructions draws its examples from the first 0 to 8"),
        ("instructions", {"task_types": 9}, "task_types=9 is more than the 8 types that task=instructions has"),
        ("instructions", {"task_types": 1, "examples": 65}, "examples=65 is more than the 64 that task=instructions has of task_types=1"),
    ],
)
def test_types_of_task_belong_to_mixtures(task, chosen, says, monkeypatch):
    monkeypatch.setattr("engine.catalog.check.is_present", lambda name: True)
    with pytest.raises(SpecError, match=says) as refused:
        check(default_spec("smollm2-135m-instruct", task).with_(**chosen))
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("task_types", [0, 1, 8])
def test_a_mixture_of_any_number_of_types_passes(task_types, monkeypatch):
    monkeypatch.setattr("engine.catalog.check.is_present", lambda name: True)
    check(default_spec("smollm2-135m-instruct", "instructions", task_types=task_types))


def test_unknown_names_are_answered_with_those_that_work():
    with pytest.raises(SpecError, match="these work: .*nano-0.1m"):
        check(default_spec("gpt-9", "pirate"))
    with pytest.raises(SpecError, match="task='cooking' is not one of pirate"):
        default_spec("nano-0.1m", "cooking")


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    with pytest.raises(SpecError, match="fetch it with: python -m engine models --fetch smollm2-135m-instruct"):
        check(default_spec("smollm2-135m-instruct"))


@pytest.mark.parametrize("card", TASKS.values(), ids=lambda card: card.name)
def test_task_cards_agree_with_the_tasks(card):
    from engine.tasks import load

    task = load(card.name)
    assert (card.title, card.objectives, card.models) == (task.title, task.objectives, task.models)
    assert (card.train_examples, card.heldout_examples) == (len(task.train), len(task.heldout))
    kinds = {example.kind for example in task.train} - {None}
    assert card.types == len(kinds)
    fitting = {name for name, model in MODELS.items() if card.name in model.tasks}
    assert fitting
