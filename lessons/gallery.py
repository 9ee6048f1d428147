"""The gallery: every scene of the course with its truth label, for teachers and for whoever builds on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import streamlit as st

from engine.catalog.models import DEFAULT_MODEL, MODELS
from engine.planner.options import read_options
from lessons import arc
from lessons.panels.current import Shown, recorded
from lessons.panels.delta import matrix_scene, spectrum_scene
from lessons.panels.memory import memory_scene, of_7b
from lessons.panels.run import curve_scenes
from lessons.panels.sets import rates_scene, recorded_first
from lessons.stage import method_scenes, planner_scenes, run_scenes, stage, weights_scenes
from lessons.stage.scene import Scene
from lessons.text import read, say

PAGE = "gallery"


class Exhibit(NamedTuple):
    """One scene and where it is at home."""

    key: str
    """Its anchor, and the name of its title in lessons/text/gallery/titles.toml."""
    lesson: str
    """Path of its page."""
    make: Callable[[], Scene | None]
    """None where its data are not recorded yet."""

    @property
    def title(self) -> str:
        return say("gallery/titles", f"scenes.{self.key}")


def page() -> None:
    """A list with labels, then every scene; only those in sight are live."""
    arc.header(PAGE, lead=read(PAGE, "lead"))
    shown = list(exhibits())
    lines = [f"| [{exhibit.title}](#{exhibit.key}) | {scene.label} | /{exhibit.lesson} |" for exhibit, scene in shown]
    header = " | ".join(say("gallery/titles", f"columns.{name}") for name in ("scene", "label", "home"))
    st.markdown("\n".join([f"| {header} |", "|---|---|---|", *lines]))
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


def _lora() -> tuple[Shown | None, Shown | None, str]:
    """The recorded LoRA run of the course, its full counterpart, and a matrix in the middle that both have."""
    task = MODELS[DEFAULT_MODEL].tasks[0]
    shown, full = recorded(DEFAULT_MODEL, task, "lora"), recorded(DEFAULT_MODEL, task, "full")
    mine, other = ((run.delta.drawable if run and run.delta else ()) for run in (shown, full))
    names = [name for name in mine if name in other] or list(mine)
    return shown, full, names[len(names) // 2] if names else ""


def _delta() -> Scene | None:
    shown, full, name = _lora()
    return matrix_scene(shown, name, full) if shown and name else None


def _spectrum() -> Scene | None:
    shown, full, name = _lora()
    return spectrum_scene(shown, name, full) if shown and name else None


def _city() -> Scene | None:
    shown, *_ = _lora()
    return run_scenes.city_scene(shown.delta, shown.label) if shown and shown.delta else None


def _curve(place: int) -> Scene | None:
    shown, *_ = _lora()
    return curve_scenes(shown)[place] if shown else None


def _terrain() -> Scene | None:
    return planner_scenes.terrain_scene(read_options({"model": planner_scenes.MODEL, "micro_batch": 4, "seq_len": 1024}))


def _of(make: Callable[[Shown], Scene | None], model: str, task: str, method: str, objective: str = "sft") -> Scene | None:
    """A scene of one recorded run."""
    shown = recorded(model, task, method, objective)
    return make(shown) if shown else None


NANO = "nano-0.5m"
EXHIBITS: tuple[Exhibit, ...] = (
    Exhibit("delta", "lora", _delta),
    Exhibit("spectrum", "lora", _spectrum),
    Exhibit("city", "lora", _city),
    Exhibit("playback", "lora", lambda: run_scenes.playback_scene(NANO)),
    Exhibit("counting", "lora", planner_scenes.counting_scene),
    Exhibit("loss", "lora", lambda: _curve(0)),
    Exhibit("learning", "lora", lambda: _curve(1)),
    Exhibit("landscape", "full-fine-tuning", lambda: run_scenes.landscape_scene(NANO)),
    Exhibit("forgetting", "full-fine-tuning", lambda: run_scenes.landscape_scene(NANO, "forgetting")),
    Exhibit("rates", "full-fine-tuning", lambda: rates_scene("score")),
    Exhibit("memory", "full-fine-tuning", lambda: memory_scene(of_7b()["mixed"].options)),
    Exhibit("levels", "qlora", weights_scenes.levels_scene),
    Exhibit("block", "qlora", weights_scenes.block_scene),
    Exhibit("error", "qlora", weights_scenes.error_scene),
    Exhibit("double", "qlora", weights_scenes.double_scene),
    Exhibit("soft", "prompt-and-prefix", lambda: recorded_first(method_scenes.prompt_path_scene)),
    Exhibit("ends", "prompt-and-prefix", lambda: _of(method_scenes.ends_scene, DEFAULT_MODEL, "pirate", "prompt")),
    Exhibit("attention", "prompt-and-prefix", lambda: _of(method_scenes.attention_scene, DEFAULT_MODEL, "pirate", "prefix")),
    Exhibit("head", "frozen-head", lambda: recorded_first(method_scenes.head_scene)),
    Exhibit("mixture", "instruction-tuning", lambda: recorded_first(method_scenes.mixture_scene)),
    Exhibit("ribbons", "rlhf-and-dpo", lambda: _of(method_scenes.preference_scene, NANO, "endings", "lora", "dpo")),
    Exhibit("reward", "rlhf-and-dpo", lambda: _of(method_scenes.margin_scene, NANO, "endings", "lora", "reward")),
    Exhibit("beta", "rlhf-and-dpo", lambda: method_scenes.beta_scene(NANO)),
    Exhibit("frontier", "rlhf-and-dpo", lambda: method_scenes.frontier_scene(NANO)),
    Exhibit("bars", "choosing", lambda: run_scenes.bars_scene(DEFAULT_MODEL, "facts")),
    Exhibit("choosing", "choosing", lambda: run_scenes.choosing_scene(DEFAULT_MODEL, "facts")),
    Exhibit("staircase", "choosing", planner_scenes.staircase_scene),
    Exhibit("terrain", "calculator", _terrain),
    Exhibit("towers", "calculator", planner_scenes.towers_scene),
)  # fmt: skip
