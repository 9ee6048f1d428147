"""The gallery: every scene of the course with its truth label, for teachers and for whoever builds on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import streamlit as st

from engine.catalog.models import DEFAULT_MODEL, MODELS
from engine.planner.options import read_options
from lessons import arc
from lessons.panels.current import Shown, recorded
from lessons.stage import method_scenes, planner_scenes, run_scenes, stage, weights_scenes
from lessons.stage.scene import Scene, delta_stage
from lessons.text import read
from viz.delta_scene import DeltaSceneInfo, get_delta_scene_info

PAGE = "gallery"


class Exhibit(NamedTuple):
    """One scene and where it is at home."""

    key: str
    title: str
    lesson: str
    """Path of its page."""
    make: Callable[[], Scene | None]
    """None where its data are not recorded yet."""


def page() -> None:
    """A list with labels, then every scene; only those in sight are live."""
    arc.header(PAGE, lead=read(PAGE, "lead"))
    shown = list(exhibits())
    lines = [f"| [{exhibit.title}](#{exhibit.key}) | {scene.label} | /{exhibit.lesson} |" for exhibit, scene in shown]
    st.markdown("\n".join(["| scene | truth label | at home on |", "|---|---|---|", *lines]))
    for exhibit, scene in shown:
        with st.container(key=f"exhibit-{exhibit.key}"):
            st.header(exhibit.title, anchor=exhibit.key)
            stage(scene, key=f"gallery-{exhibit.key}")


def exhibits() -> Iterator[tuple[Exhibit, Scene]]:
    """Those that have data, in the order of the course."""
    for exhibit in EXHIBITS:
        scene = _made(exhibit.key)
        if scene is not None:
            yield exhibit, scene


@st.cache_resource(show_spinner=False)
def _made(key: str) -> Scene | None:
    """Recorded data do not change while the app runs, so each scene is drawn once."""
    return next(exhibit.make() for exhibit in EXHIBITS if exhibit.key == key)


def _delta() -> Scene | None:
    shown = recorded(DEFAULT_MODEL, MODELS[DEFAULT_MODEL].tasks[0], "lora")
    if shown is None or shown.delta is None or not shown.delta.drawable:
        return None
    full = recorded(DEFAULT_MODEL, shown.spec.task, "full")
    both = [name for name in shown.delta.drawable if full and full.delta and name in full.delta.drawable]
    name = (both or shown.delta.drawable)[len(both or shown.delta.drawable) // 2]
    return delta_stage(_matrix(shown, name), beside=_matrix(full, name) if both and full else None)


def _matrix(shown: Shown, name: str) -> DeltaSceneInfo:
    assert shown.delta is not None
    found, norm = shown.delta.directions(name), shown.delta.matrices[name]["norm"]
    return get_delta_scene_info(found.left, found.right, matrix=name, label=shown.label, b=found.b, a=found.a, norm=norm)


def _city() -> Scene | None:
    shown = recorded(DEFAULT_MODEL, MODELS[DEFAULT_MODEL].tasks[0], "lora")
    return run_scenes.city_scene(shown.delta, shown.label) if shown and shown.delta else None


def _recorded(make: Callable[[str], Scene | None]) -> Scene | None:
    """The scene of the first model that it is recorded for, the default one first."""
    return next((scene for model in (DEFAULT_MODEL, *MODELS) if (scene := make(model))), None)


def _terrain() -> Scene:
    return planner_scenes.terrain_scene(read_options({"model": planner_scenes.MODEL, "micro_batch": 4, "seq_len": 1024}))


EXHIBITS: tuple[Exhibit, ...] = (
    Exhibit("delta", "ΔW = BA", "lora", _delta),
    Exhibit("city", "The network as a city", "lora", _city),
    Exhibit("playback", "ΔW as it grew", "lora", lambda: run_scenes.playback_scene("nano-0.5m")),
    Exhibit("landscape", "The loss landscape", "full-fine-tuning", lambda: run_scenes.landscape_scene("nano-0.5m")),
    Exhibit(
        "forgetting", "The same plane, on other text", "full-fine-tuning", lambda: run_scenes.landscape_scene("nano-0.5m", "forgetting")
    ),
    Exhibit("counting", "Counting", "lora", planner_scenes.counting_scene),
    Exhibit("staircase", "The staircase of trained shares", "choosing", planner_scenes.staircase_scene),
    Exhibit("levels", "The levels of NF4", "qlora", weights_scenes.levels_scene),
    Exhibit("block", "One block and its outlier", "qlora", weights_scenes.block_scene),
    Exhibit("error", "What 4 bits cost", "qlora", weights_scenes.error_scene),
    Exhibit("double", "Double quantization", "qlora", weights_scenes.double_scene),
    Exhibit("soft", "Learned vectors among the tokens", "prompt-and-prefix", lambda: _recorded(method_scenes.prompt_path_scene)),
    Exhibit("head", "The head as a plane", "frozen-head", lambda: _recorded(method_scenes.head_scene)),
    Exhibit("mixture", "Types of task and steps", "instruction-tuning", lambda: _recorded(method_scenes.mixture_scene)),
    Exhibit("beta", "β and steps", "rlhf-and-dpo", lambda: _recorded(method_scenes.beta_scene)),
    Exhibit("frontier", "Reward against distance", "rlhf-and-dpo", lambda: _recorded(method_scenes.frontier_scene)),
    Exhibit("choosing", "Choosing", "choosing", lambda: run_scenes.choosing_scene(DEFAULT_MODEL, "facts")),
    Exhibit("terrain", "Memory through one step", "calculator", _terrain),
    Exhibit("towers", "Methods against the card", "calculator", planner_scenes.towers_scene),
)
