"""The RLHF and DPO lesson."""

from __future__ import annotations

import streamlit as st

from engine.recorded.scenes import find_scene
from lessons.lesson import Lesson, View, show
from lessons.panels.numbers import of_run
from lessons.panels.sets import pairs_table
from lessons.stage import stage
from lessons.stage.method_scenes import beta_scene, frontier_scene, margin_scene, preference_scene, reward_scene
from lessons.text import label, prose

NANO = "nano-0.5m"


def page() -> None:
    show(LESSON)


def picture(view: View) -> None:
    """The ribbons of DPO, the margin of a reward model, or the reward and distance of RLHF, as the run has them."""
    makers = (preference_scene, margin_scene, reward_scene)
    scene = next((made for make in makers if view.shown and (made := make(view.shown))), None)
    stage(scene, key="preference")


def see(view: View) -> None:
    """How DPO follows from RLHF, and what a leash and a β do over whole sets of runs."""
    with st.expander(label("preference.derive")):
        prose("rlhf-and-dpo", "derive")
    for scene in (frontier_scene(NANO), beta_scene(NANO)):
        if scene is not None:
            stage(scene, key=scene.title)


def growth() -> dict[str, str]:
    """Tokens of a story at its best look and at the end, in the recorded runs at β 0.1."""
    found = find_scene(f"dpo-{NANO}")
    if found is None:
        return {}
    at = found.arrays["beta"].tolist().index(0.1)
    score, tokens = found.arrays["score"][at], found.arrays["tokens"][at]
    return {"tokens_best": f"{tokens[score.argmax()]:.0f}", "tokens_last": f"{tokens[-1]:.0f}"}


def read(view: View) -> None:
    pairs_table()
    prose("rlhf-and-dpo", "pairs", **growth())


LESSON = Lesson(
    "rlhf-and-dpo",
    methods=("lora", "full"),
    objectives=("dpo", "reward", "rlhf"),
    tasks=("endings", "brief"),
    code={
        "dpo": ("engine/objectives/dpo.py", "dpo_loss"),
        "reward": ("engine/objectives/reward.py", "reward_loss"),
        "rlhf": ("engine/objectives/rlhf.py", "RLHF"),
        "loop": ("engine/training/loop.py", "optimise"),
    },
    numbers=of_run,
    picture=picture,
    parts={"see": see, "read": read},
    once=(lambda: frontier_scene(NANO), lambda: beta_scene(NANO)),
)
