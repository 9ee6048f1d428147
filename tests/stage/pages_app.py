"""Two pages, one with a scene and one without: for the browser test beside it."""

from __future__ import annotations

import streamlit as st

from lessons.stage import stage
from lessons.stage.scene import delta_stage
from tests.stage.synthetic import synthetic
from viz.delta_scene import get_delta_scene_info
from viz.label import truth_label


def scene() -> None:
    info = get_delta_scene_info(**synthetic(0, 32, 32), matrix="m", label=truth_label("illustration"))
    stage(delta_stage(info), key="delta")


def words() -> None:
    st.write("No picture here.")


st.navigation([st.Page(scene, title="Scene", url_path="scene", default=True), st.Page(words, title="Words", url_path="words")]).run()
