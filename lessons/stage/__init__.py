"""The stage: one component that shows every figure, keeps its camera, and answers at once while a control is moved.

from lessons.stage import stage
from lessons.stage.scene import delta_stage

state = stage(delta_stage(info), key="lora-delta")   # state.rank, state.camera, state.frame
stage(plain_stage("Levels", draw_levels(info), describe_levels(info), levels_tables(info)), key="levels")
stage(None, key="lora-delta", empty="Press Run to see your own ΔW here.")
"""

from __future__ import annotations

import html
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import plotly
import streamlit as st
import streamlit.components.v1 as files
from plotly.utils import PlotlyJSONEncoder

from lessons.stage.scene import Scene, payload
from lessons.text import label, table
from viz.colours import recolouring
from viz.words import filled

FRONTEND = Path(__file__).with_name("frontend")
PLOTLY = Path(plotly.__file__).with_name("package_data")


class StageState(NamedTuple):
    """What the learner set, as of the last release."""

    rank: int | None = None
    """Directions kept; None for all of them."""
    camera: dict[str, Any] | None = None
    frame: int | None = None
    """Frame shown, from 0; None until the learner moved it."""


def stage(scene: Scene | None, *, key: str, empty: str = "") -> StageState:
    """Show a scene. Rank and camera survive reruns, new data under the same key, other pages and a reload.

    Moving a control costs no rerun; letting it go reruns the page, or only the fragment that calls this.

    Args:
        scene: The picture; None shows `empty` instead.
        key: Unique on the page, and the name under which rank and camera are kept.
        empty: What to do to get a picture here; that there is nothing to show, if nothing is said.
    """
    data = payload(scene, key) if scene else _nothing(key, empty or label("stage.nothing"))
    data |= {"recolour": recolouring(), "plotly": _urls()["plotly"], "words": table("labels")["stage"]}
    # A list, since Streamlit loads pandas to look for data frames among the values of a dict: a second, and 40 MB.
    plain = [json.loads(json.dumps(data, cls=PlotlyJSONEncoder))]
    result = _component()(key=key, data=plain, on_view_change=_nothing_to_do)
    view = result.get("view") or {}
    return StageState(view.get("rank"), view.get("camera"), view.get("frame"))


def preload() -> str:
    """A script that fetches what a stage needs while nothing else goes on, so that the first picture opened finds it there."""
    stage, plotly = (json.dumps(_urls()[part]) for part in ("stage", "plotly"))
    return f"""window.deltalabStage ??= (window.requestIdleCallback ?? setTimeout)(async () => {{
        const stage = await import(new URL({stage}, location.origin).href);
        await stage.prepare({plotly});
    }});"""


@cache
def _component() -> Any:
    """Registered once a process; the script is served as a file, so a message carries only its address."""
    address = json.dumps(_urls()["stage"])
    return st.components.v2.component(
        "deltalab_stage",
        html=page(),
        css=(FRONTEND / "stage.css").read_text("utf-8"),
        js=f"const address = new URL({address}, location.origin);\nexport default (await import(address.href)).default;",
        isolate_styles=False,
    )


def page() -> str:
    """The stage's HTML with its words; the browser gets those that change with the data."""
    words = {name: html.escape(text) for name, text in (table("labels")["stage"] | table("labels")["stage_page"]).items()}
    return filled((FRONTEND / "stage.html").read_text("utf-8"), words)


@cache
def _urls() -> dict[str, str]:
    """Addresses of the two folders that the browser loads from: this one's scripts, and the installed plotly's.

    The scripts import each other by relative address, so their stamp stands in the folder's name.
    """
    newest = max(int(file.stat().st_mtime) for file in FRONTEND.iterdir())
    names = {"stage": (f"stage_frontend_{newest}", FRONTEND, "stage.js"), "plotly": ("stage_plotly", PLOTLY, "plotly.min.js")}
    base = "/" + str(st.get_option("server.baseUrlPath")).strip("/")
    urls = {}
    for part, (name, folder, file) in names.items():
        folder_component = files.declare_component(name, path=folder)
        stamp = int((folder / file).stat().st_mtime)
        urls[part] = f"{base.rstrip('/')}/component/{folder_component.name}/{file}?v={stamp}"
    return urls


def _nothing(key: str, sentence: str) -> dict[str, Any]:
    nothing = {"label": "", "caption": "", "height": 320, "tables": [], "rank": None}
    return {"key": key, "empty": sentence, "description": sentence, **nothing}


def _nothing_to_do() -> None:
    """Streamlit wants a callback for each state a component reports."""
