"""The lesson on prompt and prefix tuning."""

from __future__ import annotations

from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL
from engine.planner.standing import trainable_count
from lessons.lesson import Lesson, View, show
from lessons.panels.numbers import of_run, planned
from lessons.panels.results import ladder_table, methods_table
from lessons.panels.sets import MODELS
from lessons.stage import method_scenes, planner_scenes, stage
from lessons.text import prose

SEVEN_B, SMOL = "meta-llama/Llama-2-7b-hf", "HuggingFaceTB/SmolLM2-135M"


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, and what 20 positions are in two models."""

    def trained(model: str, method: str) -> str:
        found = planned(model, method, virtual_tokens=20)
        return f"{trainable_count(found.options, found.arch):,}"

    method = view.cell.method if view.cell else "prompt"
    counts = {"prompt_7b": trained(SEVEN_B, "prompt"), "prefix_7b": trained(SEVEN_B, "prefix"), "prefix_smol": trained(SMOL, "prefix")}
    return {**of_run(view), **counts, "k": default_spec(method=method).virtual_tokens}


def picture(view: View) -> None:
    """The way of the learned vectors where it is recorded, and the stairs of trained shares."""
    path = next((scene for model in MODELS if (scene := method_scenes.prompt_path_scene(model))), None)
    if path is not None:
        stage(path, key="prompt-path")
    stage(planner_scenes.staircase_scene(), key="prompt-stairs")


def see(view: View) -> None:
    """How much attention the learned positions of the run draw."""
    if view.shown and view.shown.delta and (scene := method_scenes.attention_scene(view.shown.delta, view.shown.label)):
        stage(scene, key="prompt-attention")


def read(view: View) -> None:
    prose("prompt-and-prefix", "steer")
    prose("prompt-and-prefix", "ladder")
    ladder_table("stories", ("full", "prompt", "prefix"))
    prose("prompt-and-prefix", "facts")
    methods_table(DEFAULT_MODEL, "facts", ("full", "lora", "prompt", "prefix"), ("score", "loss", "trained"))
    prose("prompt-and-prefix", "length")


LESSON = Lesson(
    "prompt-and-prefix",
    methods=("prompt", "prefix"),
    claims=("prompt-0.005", "prefix-0.1-1", "prompt-mb"),
    code={
        "prompt": ("engine/adapt/prompt.py", "PromptTuning"),
        "prefix": ("engine/adapt/prefix.py", "PrefixTuning"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=numbers,
    picture=picture,
    parts={"see": see, "read": read},
)
