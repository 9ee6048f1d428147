"""Sentences that say what was recorded or what a run did: each is chosen by the numbers, and says the opposite when they do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.catalog.defaults import default_spec
from engine.catalog.tasks import TASKS
from engine.contracts import CELLS, Evaluated
from engine.doctor import tell
from engine.planner.hardware import find_gpu
from engine.recorded.scenes import SceneData, find_scene
from engine.tasks import load
from lessons import choosing, frozen_head, instruction_tuning
from lessons.lesson import View
from lessons.panels import clinic
from lessons.panels.choose import CARDS
from lessons.panels.dials import Cell
from lessons.panels.set_words import early_words, length_words, rank_words, rehearsal_words
from lessons.preference import growth
from lessons.qlora import speeds
from lessons.text import FOLDER, label

EMPTY = View(None, None, None, None, None)


def ranks(cut: list[float], trained: list[float]) -> SceneData:
    """A rank set of 32 prompts at r = 1 and 2."""
    arrays = {"ranks": np.array([0, 1, 2]), "cut": np.array([[0, 0, 0], *([score, 0, 0] for score in cut)])}
    arrays["trained"] = np.array([[score, 0] for score in trained])
    return SceneData({"specs": [{"task": "pirate"}]}, arrays)


@pytest.mark.parametrize(
    ("cut", "trained", "says"),
    [
        ([0.1, 0.2], [0.5, 0.9], "LoRA is ahead at every r"),
        ([0.5, 0.9], [0.1, 0.2], "LoRA is ahead nowhere"),
        ([0.5, 0.5], [0.53, 0.5], "LoRA is ahead nowhere"),
        ([0.1, 0.9], [0.5, 0.2], "LoRA is ahead at r = 1, the cut at r = 2"),
        ([0.1, 0.9], [0.5, 0.9], "LoRA is ahead at r = 1, the cut at no r"),
    ],
)
def test_a_cut_and_lora_are_compared_by_their_scores(cut, trained, says):
    assert says in rank_words(ranks(cut, trained))


def test_the_recorded_sets_are_told_as_they_are():
    real, nano = find_scene("ranks-smollm2-135m-instruct"), find_scene("ranks-nano-0.5m")
    assert real and "LoRA is ahead at r = 4, 8, the cut at r = 2" in rank_words(real)
    assert nano and "LoRA is ahead at every r" in rank_words(nano)
    rates = find_scene("rates-nano-0.5m")
    assert rates and "23% of the new skill and 97% of the damage" in early_words(rates)


@pytest.mark.parametrize(
    ("score", "probe", "says"), [([0, 0.1, 0.9], [1, 3, 3.2], "less than one hopes"), ([0, 0.8, 0.9], [1, 1.1, 3], "and only")]
)
def test_stopping_early_is_judged_by_the_sweep(score, probe, says):
    arrays = {"rates": np.array([1e-3]), "score": np.array([score]), "probe": np.array([probe])}
    assert says in early_words(SceneData({}, arrays))


MEASURES = ("score", "facts", "loss", "probe", "kept")
WAYS = [{"rate": rate, "steps": 1.0, "rehearsal": share} for rate, share in ((1.0, 0.0), (0.3, 0.0), (1.0, 0.05))]


def tries(score: list[float], probe: list[float], kept: list[float]) -> SceneData:
    """Usual run, lower rate and 5% rehearsal of one method and seed; the base scores 0, loses 1 nat and keeps all."""
    ends = {"score": score, "facts": score, "loss": probe, "probe": probe, "kept": kept}
    arrays = {name: np.array(values)[None, :, None] for name, values in ends.items()} | {"before": np.array([0, 0, 1, 1, 1])}
    return SceneData({"measures": MEASURES, "ways": WAYS, "methods": ["full"]}, arrays)


@pytest.mark.parametrize(
    ("score", "probe", "kept", "says"),
    [
        ([0.8, 0.2, 0.8], [3, 2, 1.5], [0, 0, 0], ("*rehearsal, 5% of the rows*: 100% of the skill for 25%", "× 0.3*: 25% of the skill for 50%", "loss")),
        ([0.8, 0.8, 0.4], [3, 1, 3], [0, 0, 0], ("bargain here is *learning rate × 0.3*: 100% of the skill for 0%", "rows*: 50% of the skill for 100%")),
        ([0.8, 0.2, 0.8], [3, 0.5, 1.5], [0.5, 0.25, 1], ("*rehearsal, 5% of the rows*: 100% of the skill for 0%", "for 150%", "no longer answered")),
        ([0.8, 0.8, 0.4], [1, 1, 3], [0, 0, 0], ("nothing to weigh",)),
        ([0, 0.8, 0.4], [3, 1, 3], [0, 0, 0], ("nothing to weigh",)),
    ],
)  # fmt: skip
def test_ways_against_forgetting_are_weighed_by_what_they_buy(score, probe, kept, says):
    told = rehearsal_words(tries(score, probe, kept), 0)
    assert all(part in told for part in says), told


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ([0.9, 0.9, 0.9], "With k = 1 the steerable model already tells 90% of the stories"),
        ([0.1, 0.85, 0.9], "With k = 10 the steerable model already tells 85% of the stories"),
        ([0.9, 0.1, 0.9], "With k = 32 the steerable model"),
        ([0.1, 0.2, 0.7], "never learns it well, with no k: 90% of the stories at best. More positions change its loss: from 0.40 at k = 1 to 0.20 at k = 32"),
    ],
)  # fmt: skip
def test_lengths_are_told_by_their_scores(prefix, says):
    arrays = {"score": np.array([[0.9, 0.9, 0.9], prefix])[..., None], "loss": np.array([[0.4, 0.3, 0.2], [0.3, 0.2, 0.1]])[..., None]}
    found = SceneData({"methods": ["prompt", "prefix"]}, {"lengths": np.array([1, 10, 32]), **arrays})
    assert says in length_words({"steerable": found})


def test_stories_grow_in_the_recorded_runs_of_dpo():
    assert int(growth()["tokens_best"]) < int(growth()["tokens_last"])


def test_speed_is_compared_on_one_machine_only():
    assert int(speeds()["speed_pairs"]) >= 10 and speeds()["speed_gpu"].count("GB") == 1


@pytest.mark.parametrize("name", TASKS)
def test_a_card_knows_its_classes(name):
    answers = {example.answer for example in load(name).train} if "classify" in TASKS[name].objectives else set()
    assert TASKS[name].classes == len(answers)


@pytest.mark.parametrize(("model", "task", "head"), [("smollm2-135m-instruct", "sentiment", "1,152"), ("nano-0.5m", "story-mood", "384")])
def test_a_head_has_the_size_that_its_task_asks_for(model, task, head):
    cell = Cell(model, task, "head", "classify")
    assert frozen_head.numbers(EMPTY._replace(cell=cell))["head"] == head


@pytest.mark.parametrize(("after", "file"), [(0.0, "orders"), (0.25, "orders"), (0.6, "orders-carried")])
def test_orders_that_never_train_are_told_as_they_came_out(after, file, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(instruction_tuning, "prose", lambda lesson, part, **values: shown.append(part))
    looks = [Evaluated(step, 0.0, None, 40, 1.0, 0.0, (), {"unseen_score": score}) for step, score in ((0, 0.2), (9, after))]
    run: Any = SimpleNamespace(story=tell(looks), whose="a run")
    instruction_tuning.read(EMPTY._replace(shown=run))
    assert shown == [file, "methods", "data"]


def test_a_card_is_named_by_what_it_is_sold_as():
    assert choosing.numbers(EMPTY)["card"] == "24"
    assert [find_gpu(name).nominal_gb for name in CARDS] == [24, 48, 80, 141, 180]


def test_the_case_that_fits_on_paper_has_the_card_s_own_numbers():
    text, card = (FOLDER / "choosing" / "break.toml").read_text("utf-8"), find_gpu("RTX 4090")
    assert f"{card.memory_gib} GiB by its driver" in text and f"About {card.usable_gib:.1f} GiB of the card" in text
    assert card.usable_gib > 22.9


@pytest.mark.parametrize("objective", CELLS)
def test_what_to_watch_is_said_for_every_objective(objective):
    assert label(f"run.watch_{objective}") != label("run.watch_blind")
    assert ("loss" in label(f"run.watch_{objective}")) == (objective != "reward")


@pytest.mark.parametrize(
    ("objective", "task", "broken"), [("dpo", "endings", [1, 1, 0]), ("dpo", "brief", [1, 0, 0]), ("rlhf", "endings", [0, 0, 1])]
)
def test_a_case_is_a_run_only_where_it_breaks(objective, task, broken, monkeypatch):
    model = "nano-0.5m" if task == "endings" else "smollm2-135m-instruct"
    runs: list[object] = []
    monkeypatch.setattr(clinic, "_run", lambda spec, name, key: runs.append(spec))
    monkeypatch.setattr(clinic, "_diagnosis", lambda fault, key: False)
    counts = []
    for fault in clinic.faults("rlhf-and-dpo"):
        monkeypatch.setattr(clinic, "faults", lambda lesson, fault=fault: (fault,))
        clinic.clinic("rlhf-and-dpo", default_spec(model, task, objective=objective))
        counts.append(len(runs))
        runs.clear()
    assert counts == broken
