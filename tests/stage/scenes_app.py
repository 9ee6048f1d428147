"""Six solid scenes and a flat one on a page, with linked words: for the browser tests beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from lessons import arc, text
from lessons.stage import stage
from lessons.stage.scene import plain_stage
from viz.colours import LIGHT, template
from viz.label import titled, truth_label
from viz.table import Table

RIDGE = np.outer(np.sin(np.linspace(0, 3, 24)), np.cos(np.linspace(0, 4, 32))).astype(np.float32)


def waves(name: str, count: int) -> go.Figure:
    """A surface that grows frame by frame, and a path above it."""
    surface = go.Surface(z=RIDGE, colorscale=[list(s) for s in LIGHT.delta], showscale=False, meta="ground", hoverinfo="none")
    path = go.Scatter3d(x=[2, 16, 30], y=[4, 12, 20], z=[1.2, 1.2, 1.2], mode="lines+markers", line={"color": LIGHT.trainable}, meta="path")
    figure = go.Figure([surface, path])
    figure.frames = [go.Frame(name=f"step {n}", data=[go.Surface(z=RIDGE * (n + 1) / count)], traces=[0]) for n in range(count)]
    axes = {"x": [0, 31], "y": [0, 23], "z": [-1.5, 1.5]}
    figure.update_layout(
        template=template(),
        **titled(name, truth_label("illustration")),
        margin={"l": 0, "r": 0, "t": 56, "b": 0},
        scene={
            **{f"{axis}axis": {"range": ends, "title": axis} for axis, ends in axes.items()},
            "aspectmode": "manual",
            "aspectratio": {"x": 1.2, "y": 1, "z": 0.5},
            "camera": {"eye": {"x": 0.8, "y": -1.4, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.1}, "up": {"x": 0, "y": 0, "z": 1}},
        },
    )
    return figure


st.set_page_config(page_title="Scenes")
st.html(Path(arc.__file__).parent / "theme" / "page.css")
text.words("The [[frozen:ground|ground]] rises, the [[trainable:path|path]] stays, and [[base:elsewhere|this]] is nowhere.")
words = "A surface of 24 by 32 cells that grows step by step under a path."
for number in range(st.session_state.get("count", 6)):
    table = Table("Corners", ("corner", "height"), (("first", float(RIDGE[0, 0])), ("last", float(RIDGE[-1, -1]))))
    stage(plain_stage(f"Waves {number}", waves(f"Waves {number}", 6), words, (table,)), key=f"waves-{number}")
