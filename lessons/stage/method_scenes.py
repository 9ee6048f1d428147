"""Scenes of single methods, from a run's own events or from recorded sets of runs.

stage(preference_scene(shown), key="preference")
stage(mixture_scene("smollm2-135m-instruct"), key="mixture")
"""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.recorded.scenes import SceneData, find_scene
from lessons.panels.current import Shown
from lessons.stage.scene import Scene, plain_stage
from lessons.text import fill, label, read
from viz import head_plane, pair_margin, preference_ribbons, prefix_attention, reward_kl, soft_prompts, sweep_surface
from viz.label import TruthLabel

PROMPT = "soft_prompt.json"
"""What prompt and prefix runs leave beside their ΔW."""


def preference_scene(shown: Shown) -> Scene | None:
    """Chosen and rejected answers over a DPO run; None for a run that has no such steps."""
    steps = [step for step in shown.story.steps if "chosen_reward" in step.metrics]
    beta = shown.spec.beta
    if not steps or not beta:
        return None
    chosen, rejected = ([step.metrics[name] / beta for step in steps] for name in ("chosen_reward", "rejected_reward"))
    info = preference_ribbons.get_preference_ribbons_info([step.step for step in steps], chosen, rejected, beta, shown.label)
    words, tables = preference_ribbons.describe_preference_ribbons(info), preference_ribbons.preference_ribbons_tables(info)
    return plain_stage(label("scenes.preference"), preference_ribbons.draw_preference_ribbons(info), words, tables)


def reward_scene(shown: Shown) -> Scene | None:
    """Reward against distance from the base over an RLHF run, with an answer where the model was looked at; None for a run without such steps."""
    steps = [step for step in shown.story.steps if "reward" in step.metrics and "kl" in step.metrics]
    if not steps:
        return None
    name = label("scenes.kl_weight", weight=f"{shown.spec.kl_weight:g}")
    said = {look.step: look.answers[0].tuned for look in shown.story.looks if look.answers}
    numbers = ([s.step for s in steps], [s.metrics["kl"] for s in steps], [s.metrics["reward"] for s in steps])
    way = (name, *numbers, [said.get(s.step, "") for s in steps])
    info = reward_kl.get_reward_kl_info([way], shown.label)
    words, tables = reward_kl.describe_reward_kl(info), reward_kl.reward_kl_tables(info)
    return plain_stage(label("scenes.reward"), reward_kl.draw_reward_kl(info), words, tables)


def margin_scene(shown: Shown) -> Scene | None:
    """Margin and share of pairs ranked rightly over the training of a reward model; None for a run that has no such steps."""
    steps = [step for step in shown.story.steps if {"margin", "accuracy"} <= step.metrics.keys() and "chosen_reward" not in step.metrics]
    if not steps:
        return None
    numbers = ([step.metrics[name] for step in steps] for name in ("margin", "accuracy"))
    info = pair_margin.get_pair_margin_info([step.step for step in steps], *numbers, shown.label)
    words, tables = pair_margin.describe_pair_margin(info), pair_margin.pair_margin_tables(info)
    return plain_stage(label("scenes.margin"), pair_margin.draw_pair_margin(info), words, tables, caption=read("gallery", "margin"))


@cache
def frontier_scene(model: str) -> Scene | None:
    """Reward against KL for several leashes, with a sample at each look."""
    found = find_scene(f"rlhf-{model}")
    if found is None:
        return None
    arrays, ways = found.arrays, []
    for n, weight in enumerate(arrays["kl_weight"]):
        ways.append(
            (
                label("scenes.kl_weight", weight=f"{weight:g}"),
                arrays["steps"].tolist(),
                arrays["kl"][n].tolist(),
                arrays["reward"][n].tolist(),
                found.about["samples"][n],
            )
        )
    info = reward_kl.get_reward_kl_info(ways, _truth(found))
    figure, words, tables = reward_kl.draw_reward_kl(info), reward_kl.describe_reward_kl(info), reward_kl.reward_kl_tables(info)
    caption = fill(read("gallery", "frontier"), model=model)
    return plain_stage(label("scenes.frontier", model=model), figure, words, tables, caption=caption)


@cache
def beta_scene(model: str) -> Scene | None:
    """The held-out score of DPO over β and steps."""
    return _sweep(f"dpo-{model}", "beta", "log10", "beta")


@cache
def mixture_scene(model: str) -> Scene | None:
    """The score on unseen types of task over the number of trained types and steps."""
    return _sweep(f"mixture-{model}", "types", "log2", "mixture")


def _sweep(name: str, dial: str, scale: str, scene: str) -> Scene | None:
    """The score over a dial and steps; `scene` names its title and its caption."""
    found = find_scene(name)
    if found is None:
        return None
    steps, values = found.arrays["steps"], found.arrays["score"]
    rows = [(float(x), float(step), float(values[i, j])) for i, x in enumerate(found.arrays[dial]) for j, step in enumerate(steps)]
    axes = {"x": (label(f"scenes.axes.{dial}"), scale), "y": (label("scenes.axes.steps"), "linear")}
    title = label(f"scenes.{scene}")
    info = sweep_surface.get_sweep_surface_info(rows, **axes, z=title, title=title, label=_truth(found))
    words, tables = sweep_surface.describe_sweep_surface(info), sweep_surface.sweep_surface_tables(info)
    text = fill(read("gallery", scene), model=found.about["specs"][0]["model"])
    return plain_stage(title, sweep_surface.draw_sweep_surface(info), words, tables, caption=text)


@cache
def prompt_path_scene(model: str) -> Scene | None:
    """The way of each learned prompt vector among the embeddings of real tokens."""
    found = find_scene(f"prompt-path-{model}")
    if found is None:
        return None
    arrays, about = found.arrays, found.about
    info = soft_prompts.get_soft_prompts_info(
        arrays["embeddings"], about["tokens"], arrays["vectors"], arrays["steps"].tolist(), _truth(found), about["nearest"]
    )
    figure, words, tables = (
        soft_prompts.draw_soft_prompts(info),
        soft_prompts.describe_soft_prompts(info),
        soft_prompts.soft_prompts_tables(info),
    )
    caption = fill(read("gallery", "prompt-path"), model=model)
    return plain_stage(label("scenes.prompt_path", model=model), figure, words, tables, caption=caption, frame_start=len(figure.frames) - 1)


def attention_scene(shown: Shown) -> Scene | None:
    """How much attention the learned positions of a prompt or prefix run draw; None where the run wrote none."""
    return _attention(shown.delta.folder, shown.spec.method, shown.label) if wrote_prompt(shown) and shown.delta else None


def ends_scene(shown: Shown) -> Scene | None:
    """Start and end of a prompt or prefix run's learned vectors among the words that they end near; None where the run wrote none."""
    return _ends(shown.delta.folder, shown.spec.method, shown.spec.steps, shown.label) if wrote_prompt(shown) and shown.delta else None


def wrote_prompt(shown: Shown) -> bool:
    """Whether the run kept its learned vectors."""
    return shown.delta is not None and (shown.delta.folder / PROMPT).exists()


@lru_cache(maxsize=32)
def _attention(folder: Path, method: str, truth: TruthLabel) -> Scene:
    """What a run left does not change, so each picture is drawn once."""
    about = _left(folder)
    info = prefix_attention.get_prefix_attention_info(about["attention"], method, truth)
    words, tables = prefix_attention.describe_prefix_attention(info), prefix_attention.prefix_attention_tables(info)
    return plain_stage(label("scenes.attention"), prefix_attention.draw_prefix_attention(info), words, tables)


@lru_cache(maxsize=32)
def _ends(folder: Path, method: str, steps: int, truth: TruthLabel) -> Scene:
    about = _left(folder)
    start, end, words = (_vectors(text, about["d"]) for text in (about["start"], about["vectors"], about["words"]["vectors"]))
    nearest = [[token["token"] for token in found[:3]] for found in about["nearest"][: len(end)]]
    info = soft_prompts.get_soft_prompts_info(words, about["words"]["tokens"], np.stack([start, end]), [0, steps], truth, nearest)
    told, tables = soft_prompts.describe_soft_prompts(info), soft_prompts.soft_prompts_tables(info)
    caption = fill(read("gallery", "prompt-ends"), space=label(f"scenes.space.{method}"))
    return plain_stage(label("scenes.ends"), soft_prompts.draw_soft_prompts(info), told, tables, caption=caption, frame_start=1)


def _left(folder: Path) -> dict[str, Any]:
    """What a prompt or prefix run wrote of its learned vectors."""
    about: dict[str, Any] = json.loads((folder / PROMPT).read_text("utf-8"))
    return about


def _vectors(text: str, d: int) -> NDArray[np.float64]:
    """Rows of `d` from base64 of little-endian fp16, as `engine.training.soft_prompt` packs them."""
    return np.frombuffer(b64decode(text), dtype="<f2").astype(np.float64).reshape(-1, d)


@cache
def head_scene(model: str) -> Scene | None:
    """Features of the frozen model, and the plane of its head as it turns."""
    found = find_scene(f"head-{model}")
    if found is None:
        return None
    arrays = found.arrays
    one, other = found.about["labels"]
    weights, biases = arrays["weights"].astype(np.float64), arrays["biases"].astype(np.float64)
    info = head_plane.get_head_plane_info(
        arrays["features"], arrays["classes"].tolist(), (one, other), weights, biases, arrays["steps"].tolist(), _truth(found)
    )
    figure, words, tables = head_plane.draw_head_plane(info), head_plane.describe_head_plane(info), head_plane.head_plane_tables(info)
    caption = fill(read("gallery", "head"), model=model)
    return plain_stage(label("scenes.head", model=model), figure, words, tables, caption=caption, frame_start=len(figure.frames) - 1)


def _truth(found: SceneData) -> TruthLabel:
    return TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
