"""Scenes of runs that have ended, the learner's or recorded ones. Those of recorded sets are None where nothing is recorded yet.

stage(city_scene(shown.delta, shown.label), key="city")
stage(landscape_scene("nano-0.5m"), key="landscape")
stage(playback_scene("nano-0.5m"), key="playback")
"""

from __future__ import annotations

from functools import cache

from engine.recorded import Delta
from engine.recorded.scenes import find_scene
from engine.recorded.table import rows
from lessons.stage.scene import Scene, plain_stage, thinned
from lessons.text import fill, read
from viz import choosing_space, city, delta_playback, loss_landscape
from viz.label import TruthLabel, short_name

NAMES = {
    "full": "full", "lora": "LoRA", "qlora": "QLoRA", "prompt": "prompt", "prefix": "prefix", "head": "head",
}  # fmt: skip


def city_scene(delta: Delta, label: TruthLabel, *, caption: str = "") -> Scene:
    """The whole network as a city: height is ‖ΔW‖ / ‖W‖ of each matrix."""
    info = city.get_city_info(delta.matrices.values(), label)
    return plain_stage("Where the method acts", city.draw_city(info), city.describe_city(info), city.city_tables(info), caption=caption)


@cache
def landscape_scene(model: str, ground: str = "loss") -> Scene | None:
    """The loss plane through both ends with both paths; `ground` is "loss" or "forgetting". Its slider walks the paths."""
    found = find_scene(f"landscape-{model}")
    if found is None or ground not in found.arrays:
        return None
    label = TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
    info = loss_landscape.get_loss_landscape_info(found.arrays, model, label)
    figure, words = loss_landscape.draw_loss_landscape(info, ground), loss_landscape.describe_loss_landscape(info)
    tables, caption = loss_landscape.loss_landscape_tables(info), read("gallery", "landscape")
    return plain_stage(f"Loss plane {ground} {model}", figure, words, tables, caption=caption, frame_start=len(figure.frames) - 1)


@cache
def playback_scene(model: str, matrix: str | None = None) -> Scene | None:
    """B, A and ΔW of one matrix step by step; the first recorded matrix where none is named."""
    found = find_scene(f"playback-{model}")
    names = [key[:-2] for key in found.arrays if key.endswith(".B")] if found else []
    if found is None or not names or (matrix or names[0]) not in names:
        return None
    name = matrix or names[0]
    label = TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
    arrays = found.arrays
    info = delta_playback.get_delta_playback_info(arrays["steps"], arrays[f"{name}.B"], arrays[f"{name}.A"], matrix=name, label=label)
    figure, words = delta_playback.draw_delta_playback(info), delta_playback.describe_delta_playback(info)
    caption = f"{fill(read('gallery', 'playback'), model=model, matrix=short_name(name))} {thinned(info.last)}"
    tables = delta_playback.delta_playback_tables(info)
    return plain_stage(f"ΔW as it grew {short_name(name)}", figure, words, tables, caption=caption, frame_start=len(figure.frames) - 1)


@cache
def choosing_scene(model: str, task: str) -> Scene | None:
    """All methods of one cell of the recorded table: held-out score, peak memory of the run, bytes that it leaves."""
    alike = [row for row in rows() if (row.spec.model, row.spec.task) == (model, task) and row.spec.objective in ("sft", "classify")]
    device = max({row.result["device"] for row in alike}, key=[row.result["device"] for row in alike].count, default="")
    kept = [row for row in alike if row.result["device"] == device]  # a GPU's allocated bytes and a process's are two measures
    methods = []
    for method, name in NAMES.items():
        mine = [row.result for row in kept if row.spec.method == method and row.result.get("score_after") is not None]
        values = [(float(r["score_after"]), r["peak_memory_bytes"] / 2**30, r["artifact_bytes"] / 1e6) for r in mine]
        if values:
            methods.append((name, method, values))
    if len(methods) < 2:
        return None
    info = choosing_space.get_choosing_space_info(methods, TruthLabel("recorded", max(row.day for row in kept)))
    words, tables = choosing_space.describe_choosing_space(info), choosing_space.choosing_space_tables(info)
    machine = kept[-1].machine
    caption = fill(read("gallery", "choosing"), model=model, task=task, device=machine.get("gpu", machine["processor"]))
    return plain_stage(f"Choosing on {model} {task}", choosing_space.draw_choosing_space(info), words, tables, caption=caption)
