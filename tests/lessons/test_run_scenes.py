"""Scenes of a run show that run: its own answers, vectors and matrices, under its own label."""

from __future__ import annotations

import json
from base64 import b64decode

import numpy as np
import pytest

from engine.planner.answer import answer, arch_of
from engine.planner.memory import GIB
from engine.planner.options import read_options
from engine.planner.timeline import timeline
from lessons.panels.current import recorded
from lessons.stage.method_scenes import attention_scene, ends_scene, margin_scene, preference_scene, reward_scene
from lessons.stage.planner_scenes import MODEL, terrain_scene
from lessons.stage.run_scenes import city_scene
from viz.label import TruthLabel
from viz.pca import components

LIVE = TruthLabel("live", "2026-11-28", 7)


def of(*cell):
    shown = recorded(*cell)
    assert shown is not None
    return shown._replace(label=LIVE)


def test_an_rlhf_run_shows_what_it_answered_at_each_look():
    shown = of("nano-0.5m", "endings", "lora", "rlhf")
    scene = reward_scene(shown)
    said = {step: answer for step, _, _, answer in scene.tables[0].rows if answer}
    assert said == {look.step: look.answers[0].tuned for look in shown.story.looks if look.step}
    assert len(said) > 2 and scene.label == LIVE.text


def test_each_objective_of_preferences_has_a_picture_and_only_its_own():
    makers = (preference_scene, margin_scene, reward_scene)
    shown = [of("nano-0.5m", "endings", "lora", objective) for objective in ("dpo", "reward", "rlhf")]
    assert [[make(one) is not None for make in makers] for one in shown] == np.eye(3, dtype=bool).tolist()
    rows = margin_scene(shown[1]).tables[0].rows
    assert [row[1] for row in rows] == [step.metrics["margin"] for step in shown[1].story.steps]


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_a_soft_prompt_goes_from_its_own_start_to_its_own_end_among_words(method):
    shown = of("smollm2-135m-instruct", "pirate", method)
    about = json.loads((shown.delta.folder / "soft_prompt.json").read_text("utf-8"))
    start, end, words = (
        np.frombuffer(b64decode(text), "<f2").astype(float).reshape(-1, about["d"])
        for text in (about["start"], about["vectors"], about["words"]["vectors"])
    )
    scene = ends_scene(shown)
    tokens, _, learned = scene.figure.data
    frame = components(np.vstack([words, end]))
    np.testing.assert_allclose(np.column_stack([learned.x, learned.y, learned.z]), frame.place(end), atol=1e-6)
    first = scene.figure.frames[0].data[1]
    np.testing.assert_allclose(np.column_stack([first.x, first.y, first.z]), frame.place(start), atol=1e-6)
    assert list(tokens.text) == about["words"]["tokens"] and list(learned.text) == [near[0]["token"] for near in about["nearest"]]
    assert scene.label == LIVE.text and scene.figure.frames[-1].name == f"step {shown.spec.steps}"
    attention = attention_scene(shown)
    assert f"Attention that the {method} draws" in attention.figure.layout.title.text
    assert [row[1] for row in attention.tables[0].rows] == pytest.approx([100 * sum(layer) for layer in about["attention"]])


def test_a_run_without_soft_prompt_has_no_picture_of_one():
    shown = of("nano-0.5m", "stories", "lora")
    assert ends_scene(shown) is None and attention_scene(shown) is None


def test_the_city_is_of_the_run_that_is_shown():
    shown = of("nano-0.5m", "stories", "lora")
    scene = city_scene(shown.delta, shown.label, caption="mine")
    moved = max(row["norm"] / row["weight_norm"] for row in shown.delta.matrices.values() if row["layer"] >= 0)
    assert max(max(trace.z) for trace in scene.figure.data) == pytest.approx(moved, rel=1e-5)
    assert (scene.label, scene.caption) == (LIVE.text, "mine")


@pytest.mark.parametrize(
    "changes", [{}, {"gpus": 2, "sharding": "fsdp"}, {"objective": "rlhf"}, {"method": "full", "offload": "optimizer"}]
)
def test_the_highest_moment_of_a_step_is_the_sum(changes):
    options = read_options({"model": MODEL, "method": "lora", **changes})
    played = timeline(options, arch_of(options))
    assert played.gib.sum(1).max() * GIB == pytest.approx(answer(options).estimate.peak_bytes, rel=1e-9)
    assert f"{played.gib.sum(1).max():.1f} GiB" in terrain_scene(options).description
