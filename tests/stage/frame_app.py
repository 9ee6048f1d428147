"""A lesson page made of the frame alone: for looking at its layout and testing it in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from lessons import arc, text
from lessons.stage import stage
from lessons.stage.learner import keep_learner, learner_id
from lessons.stage.scene import delta_stage
from viz.delta_scene import get_delta_scene_info
from viz.label import truth_label


def scene() -> object:
    rng = np.random.default_rng(3)
    u, s, vt = np.linalg.svd(rng.standard_t(4, (96, 8)) * 0.6 ** np.arange(8) @ rng.standard_t(5, (8, 256)), full_matrices=False)
    info = get_delta_scene_info(u[:, :8] * s[:8], vt[:8], matrix="layer 15 · down_proj", label=truth_label("illustration"))
    return delta_stage(info)


def page() -> None:
    arc.header("lora", "LoRA: train a thin slice of ΔW")
    with arc.body():
        for anchor in arc.PARTS:
            if anchor == "see":
                with arc.stage_place():
                    stage(scene(), key="frame")
            with arc.part(anchor):
                for _ in range(3):
                    text.words(
                        "The [[frozen|frozen weights]] W stay as they are, and only [[trainable:B|B]] and [[trainable:A|A]] learn: "
                        "their product is [[delta|ΔW]]. A [[base|base answer]] against a tuned one, {{n}} numbers in all.",
                        n="16,896",
                    )
        st.caption(f"learner {learner_id()}")


st.set_page_config(layout="wide")
st.html(Path(arc.__file__).parent / "theme" / "page.css")
keep_learner()
st.navigation(
    {"Lessons": [st.Page(page, title="LoRA", default=True)], "Tools": [st.Page(lambda: None, title="Calculator", url_path="calculator")]}
).run()
