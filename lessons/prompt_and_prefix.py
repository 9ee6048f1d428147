"""The lesson on prompt and prefix tuning."""

from __future__ import annotations

from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL
from engine.planner.standing import trainable_count
from lessons.lesson import Lesson, View, show
from lessons.panels.numbers import of_run, planned
from lessons.panels.pictures import pictures
from lessons.panels.results import ladder_table, methods_table
from lessons.panels.sets import lengths_panel, lengths_scene, recorded_first
from lessons.stage import planner_scenes, stage
from lessons.stage.method_scenes import attention_scene, ends_scene, prompt_path_scene, wrote_prompt
from lessons.stage.scene import Scene
from lessons.text import prose

SEVEN_B, SMOL = "meta-llama/Llama-2-7b-hf", "HuggingFaceTB/SmolLM2-135M"


def page() -> None:
    show(LESSON)


def numbers(view: View) -> dict[str, object]:
    """The run's own numbers, and what 20 positions are in two models."""

    def trained(model: str, method: str) -> str:
        found = planned(model, method, virtual_tokens=20)
        return f"{trainable_count(found.options, found.arch):,}"

    spec = default_spec(view.cell.model, view.cell.task, view.cell.method) if view.cell else default_spec(method="prompt")
    counts = {"prompt_7b": trained(SEVEN_B, "prompt"), "prefix_7b": trained(SEVEN_B, "prefix"), "prefix_smol": trained(SMOL, "prefix")}
    return {**of_run(view), **counts, "k": spec.virtual_tokens, "rate": f"{spec.learning_rate:g}"}


def picture(view: View) -> None:
    """The run's learned vectors among words, or the recorded way of others; then the stairs of trained shares."""
    stage(ends_scene(view.shown) if view.shown and wrote_prompt(view.shown) else _way(), key="prompt-vectors")
    stage(planner_scenes.staircase_scene(), key="prompt-stairs")


def see(view: View) -> None:
    """The attention that the run's learned positions draw, and the way of vectors that was recorded step by step."""
    shown = view.shown
    own = {"attention": lambda: attention_scene(shown)} if shown and wrote_prompt(shown) else {}
    pictures("prompt", {**own, "way": _way})


def _way() -> Scene | None:
    return recorded_first(prompt_path_scene)


def read(view: View) -> None:
    prose("prompt-and-prefix", "steer")
    prose("prompt-and-prefix", "ladder")
    ladder_table("stories", ("full", "prompt", "prefix"))
    prose("prompt-and-prefix", "facts")
    methods_table(DEFAULT_MODEL, "facts", ("full", "lora", "prompt", "prefix"), ("score", "loss", "trained"))
    lengths_panel()


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
    once=(planner_scenes.staircase_scene, lengths_scene),
)
