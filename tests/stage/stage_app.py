"""A small app that shows the stage: for the browser tests beside it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lessons.stage import stage
from lessons.stage.scene import delta_stage
from viz.delta_scene import get_delta_scene_info
from viz.label import truth_label
from viz.spectrum import get_spectrum

st.set_page_config(page_title="Stage", layout="centered")
if "runs" not in st.session_state:
    st.session_state.runs, st.session_state.data = 0, 0
st.session_state.runs += 1


def synthetic(seed: int, m: int = 192, n: int = 192, r: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    b, a = rng.standard_t(4, (m, r)) * 0.01, rng.standard_t(5, (r, n)) * 0.03
    b *= 0.6 ** np.arange(r)
    u, s, vt = np.linalg.svd(b @ a, full_matrices=False)
    return {"left": u[:, :r] * s[:r], "right": vt[:r], "b": b, "a": a}


if st.button("New data"):
    st.session_state.data += 1
if st.toggle("Empty"):
    stage(None, key="delta", empty="Press Run to see your own ΔW here.")
else:
    parts = synthetic(st.session_state.data)
    info = get_delta_scene_info(**parts, matrix="layer 15 · q_proj", label=truth_label("illustration", "2026-11-22", 0))
    full = get_spectrum("full fine-tuning", (0.9 ** np.arange(64)).tolist(), truth_label("recorded", "2026-11-22", 0))
    state = stage(delta_stage(info, other=full), key="delta")
    st.write(f"rank {state.rank}; camera {'kept' if state.camera else 'untouched'}")
st.write(f"runs {st.session_state.runs}, data {st.session_state.data}")
