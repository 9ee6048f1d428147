"""Scenes of runs that have ended, the learner's or recorded ones. Those of recorded sets are None where nothing is recorded yet.

stage(city_scene(shown.delta, shown.label), key="city")
stage(landscape_scene("nano-0.5m"), key="landscape")
stage(playback_scene("nano-0.5m"), key="playback")
"""

from __future__ import annotations

from functools import cache

import streamlit as st

from engine.recorded import Delta
from engine.recorded.scenes import find_scene
from engine.recorded.table import ResultRow, rows
from lessons.stage.scene import Scene, plain_stage, thinned
from lessons.text import fill, label, read
from viz import choosing_space, city, delta_playback, loss_landscape, method_bars
from viz.label import TruthLabel, short_name

_GROUNDS = {"loss": "landscape", "forgetting": "landscape-other"}
"""Captions."""
METHODS = ("full", "lora", "qlora", "prompt", "prefix", "head")


def city_scene(delta: Delta, truth: TruthLabel, *, caption: str = "") -> Scene:
    """The whole network as a city: height is ‖ΔW‖ / ‖W‖ of each matrix."""
    return _city(str(delta.folder), truth, caption, delta)


@st.cache_resource(max_entries=16, show_spinner=False)
def _city(folder: str, truth: TruthLabel, caption: str, _delta: Delta) -> Scene:
    """What a run left does not change, so its city is drawn once; folder, truth label and caption are the key of the cache."""
    info = city.get_city_info(_delta.matrices.values(), truth)
    return plain_stage(label("scenes.city"), city.draw_city(info), city.describe_city(info), city.city_tables(info), caption=caption)


@cache
def landscape_scene(model: str, ground: str = "loss") -> Scene | None:
    """The loss plane through both ends with both paths; `ground` is "loss" or "forgetting". Its slider walks the paths."""
    found = find_scene(f"landscape-{model}")
    if found is None or ground not in found.arrays:
        return None
    truth = TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
    info = loss_landscape.get_loss_landscape_info(found.arrays, model, truth)
    figure, words = loss_landscape.draw_loss_landscape(info, ground), loss_landscape.describe_loss_landscape(info, ground)
    tables, caption = loss_landscape.loss_landscape_tables(info, ground), fill(read("gallery", _GROUNDS[ground]), model=model)
    title = label(f"scenes.landscape_{ground}", model=model)
    return plain_stage(title, figure, words, tables, caption=caption, frame_start=len(figure.frames) - 1)


@cache
def playback_scene(model: str, matrix: str | None = None) -> Scene | None:
    """B, A and ΔW of one matrix step by step; the first recorded matrix where none is named."""
    found = find_scene(f"playback-{model}")
    names = [key[:-2] for key in found.arrays if key.endswith(".B")] if found else []
    if found is None or not names or (matrix or names[0]) not in names:
        return None
    name = matrix or names[0]
    truth = TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
    arrays = found.arrays
    info = delta_playback.get_delta_playback_info(arrays["steps"], arrays[f"{name}.B"], arrays[f"{name}.A"], matrix=name, label=truth)
    figure, words = delta_playback.draw_delta_playback(info), delta_playback.describe_delta_playback(info)
    caption = f"{fill(read('gallery', 'playback'), model=model, matrix=short_name(name))} {thinned(info.last)}"
    title, tables = label("scenes.playback", matrix=short_name(name)), delta_playback.delta_playback_tables(info)
    return plain_stage(title, figure, words, tables, caption=caption, frame_start=len(figure.frames) - 1)


@cache
def choosing_scene(model: str, task: str) -> Scene | None:
    """All methods of one cell of the recorded table: held-out score, peak memory of the run, bytes that it leaves."""
    kept = _alike(model, task)
    methods = []
    for method in METHODS:
        mine = [row.result for row in kept if row.spec.method == method]
        values = [(float(r["score_after"]), r["peak_memory_bytes"] / 2**30, r["artifact_bytes"] / 1e6) for r in mine]
        if values:
            methods.append((label(f"scenes.methods.{method}"), method, values))
    if len(methods) < 2:
        return None
    info = choosing_space.get_choosing_space_info(methods, TruthLabel("recorded", max(row.day for row in kept)))
    words, tables = choosing_space.describe_choosing_space(info), choosing_space.choosing_space_tables(info)
    caption = fill(read("gallery", "choosing"), model=model, task=task, device=_device(kept[-1]))
    title = label("scenes.choosing", model=model, task=task)
    return plain_stage(title, choosing_space.draw_choosing_space(info), words, tables, caption=caption)


@cache
def bars_scene(model: str, task: str) -> Scene | None:
    """The held-out score of every method of one cell of the recorded table, with a dash for each seed."""
    kept = _alike(model, task)
    scores = [
        (label(f"scenes.methods.{method}"), method, [100 * row.result["score_after"] for row in kept if row.spec.method == method])
        for method in METHODS
    ]
    if sum(bool(values) for _, _, values in scores) < 2:
        return None
    truth = TruthLabel("recorded", max(row.day for row in kept))
    info = method_bars.get_method_bars_info(scores, label("scenes.score"), truth)
    words, tables = method_bars.describe_method_bars(info), method_bars.method_bars_tables(info)
    caption = fill(read("gallery", "bars"), model=model, task=task, device=_device(kept[-1]))
    title = label("scenes.bars", model=model, task=task)
    return plain_stage(title, method_bars.draw_method_bars(info), words, tables, caption=caption, height_px=380)


def _alike(model: str, task: str) -> list[ResultRow]:
    """Rows of supervised runs on the device that most of them ran on: a GPU's allocated bytes and a process's are two measures."""
    alike = [row for row in rows() if (row.spec.model, row.spec.task) == (model, task) and row.spec.objective in ("sft", "classify")]
    alike = [row for row in alike if row.result.get("score_after") is not None]
    devices = [row.result["device"] for row in alike]
    usual = max(set(devices), key=devices.count, default="")
    return [row for row in alike if row.result["device"] == usual]


def _device(row: ResultRow) -> str:
    return str(row.machine.get("gpu", row.machine["processor"]))
