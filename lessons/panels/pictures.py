"""One of several pictures, as the learner chooses, with a sentence of what to look for: a page stays a page, not a wall of 3D."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from lessons.stage import stage
from lessons.stage.scene import Scene
from lessons.text import has, label, prose


def pictures(page: str, scenes: Mapping[str, Callable[[], Scene | None]]) -> None:
    """The chosen picture alone is made, the first one to begin with. Their names are labels, their sentences lie in lessons/text/pictures."""
    wanted = st.session_state.get(f"{page}-picture")
    first = wanted if wanted in scenes else next(iter(scenes))
    chosen = st.segmented_control(
        label("pictures.which"), list(scenes), default=first, format_func=lambda name: label(f"pictures.{name}"), key=f"{page}-picture"
    )
    name = chosen or first
    if has("pictures", name):
        prose("pictures", name)
    stage(scenes[name](), key=f"{page}-{name}", empty=label("text.no_picture"))
