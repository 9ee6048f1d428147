"""One ΔW scene at the size that the address asks for: what `tests.bench.scenes` opens."""

from __future__ import annotations

import streamlit as st

from lessons.stage import stage
from lessons.stage.scene import delta_stage
from tests.stage.synthetic import synthetic
from viz.delta_scene import get_delta_scene_info
from viz.label import truth_label

size = int(st.query_params.get("size", "64"))
info = get_delta_scene_info(**synthetic(0, size, size), matrix="m", label=truth_label("illustration"), limit=size)
stage(delta_stage(info), key=f"bench-{size}")
