"""A small app that shows the stage: for the browser tests beside it."""

from __future__ import annotations

import streamlit as st

from lessons.stage import stage
from lessons.stage.scene import delta_stage
from tests.stage.synthetic import synthetic
from viz.delta_scene import get_delta_scene_info
from viz.label import truth_label
from viz.spectrum import get_spectrum

st.set_page_config(page_title="Stage", layout="centered")
if "runs" not in st.session_state:
    st.session_state.runs, st.session_state.data = 0, 0
st.session_state.runs += 1


if st.button("New data"):
    st.session_state.data += 1
if st.toggle("Empty"):
    stage(None, key="delta", empty="Press Run to see your own ΔW here.")
else:
    parts = synthetic(st.session_state.data)
    info = get_delta_scene_info(**parts, matrix="layer 15 · q_proj", label=truth_label("illustration", "2026-11-22", 0))
    beside = get_delta_scene_info(
        **synthetic(7 + st.session_state.data), matrix="layer 15 · q_proj", label=truth_label("recorded", "2026-11-22", 0)
    )
    full = get_spectrum("full fine-tuning", [0.9**k for k in range(64)], truth_label("recorded", "2026-11-22", 0))
    state = stage(delta_stage(info, other=full, beside=beside), key="delta")
    st.write(f"rank {state.rank}; camera {'kept' if state.camera else 'untouched'}")
st.write(f"runs {st.session_state.runs}, data {st.session_state.data}")
