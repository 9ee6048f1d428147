"""The calculator's sum, term by term, the timeline of a step, and what can be taken away: CSV, JSON, a launch script."""

from __future__ import annotations

import csv
import io
import json

import streamlit as st

from engine.planner.answer import Answer, as_json
from engine.planner.explain import explain
from engine.planner.memory import GIB
from engine.planner.script import launch_script
from engine.planner.timeline import timeline
from lessons.panels.planner_fit import markdown_table
from lessons.panels.planner_verdict import COMPUTED
from lessons.stage import planner_scenes, stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import prose, table
from viz.step_phases import describe_step_phases, draw_step_phases, get_step_phases_info, step_phases_tables


def terms(a: Answer) -> None:
    """Every term with formula, numbers and source; the four moments of a step; allocated, reserved and nvidia-smi apart."""
    markdown_table(
        [
            {"term": e.name.replace("_", " "), "GiB": f"{e.gib:.3f}", "formula and numbers": e.formula, "source": e.source}
            for e in explain(a)
        ]
    )
    low, high = a.reserve.allocated_interval_gib
    st.markdown(
        f"**Allocated** at the peak {a.reserve.allocated_gib:.3f} GiB ({low:.2f} to {high:.2f}). **Reserved** by the allocator "
        f"{a.reserve.reserved_gib:.2f} GiB. **nvidia-smi** shows about {a.reserve.nvidia_smi_gib:.1f} GiB, the CUDA context with it. "
        "1 GiB is 1,073,741,824 bytes; 1 GB is 1,000,000,000."
    )
    st.subheader("One step", anchor=False)
    stage(step_scene(a), key="calculator-step")
    prose("pictures", "terrain")
    stage(planner_scenes.terrain_scene(a.options), key="calculator-terrain")
    held = a.estimate.standing
    per_task = a.adapter_bytes / 1e6
    st.markdown(
        f"{held.total_params:,} parameters, {held.trainable_params:,} trained ({100 * held.trainable_params / held.total_params:.4g}%). "
        f"One task stores {per_task:,.1f} MB; 100 tasks {per_task / 10:,.2f} GB"
        + ("." if a.options.method == "full" else f" and one base of {a.checkpoint_bytes / 1e9:,.1f} GB.")
    )


def step_scene(a: Answer) -> Scene:
    """The highest moment of each phase, term by term: what stands at the load, what comes and goes after it."""
    names = table("calculator")["phases"]
    played = timeline(a.options, a.arch)
    totals = played.gib.sum(1)
    phases = {names["load"]: {name: value / GIB for name, value in a.estimate.standing.terms_bytes.items()}}
    for phase in dict.fromkeys(played.phases):
        at = max((n for n, name in enumerate(played.phases) if name == phase), key=lambda n: totals[n])
        phases[names[phase]] = {name: float(value) for name, value in zip(played.terms, played.gib[at], strict=True)}
    info = get_step_phases_info(
        f"{a.options.method} · {a.options.model or 'pasted config'}", phases, a.gpu.usable_gib, a.gpu.name, COMPUTED
    )
    return plain_stage("one step", draw_step_phases(info), describe_step_phases(info), step_phases_tables(info), height_px=400)


def take_away(a: Answer) -> None:
    """The answer as JSON and CSV, and a script that starts the run."""
    found = as_json(a)
    left, middle, right = st.columns(3)
    left.download_button(
        "JSON", json.dumps({"question": a.options.as_dict(), "answer": found}, indent=1), "calculator.json", "application/json"
    )
    middle.download_button("CSV", _csv(found), "calculator.csv", "text/csv")
    source = launch_script(a.options)
    right.download_button("Script", source, "finetune.py", "text/x-python")
    st.markdown("The address of this page holds the whole question: copy it to share.")
    st.code(source, language="python")


def _csv(found: dict[str, object]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("name", "value", "unit"))
    for name, value in found.items():
        if isinstance(value, dict):
            writer.writerows((f"{name}.{part}", item, "GiB") for part, item in value.items())
        else:
            writer.writerow((name, json.dumps(value) if isinstance(value, list) else value, "GiB" if name.endswith("gib") else ""))
    return out.getvalue()
