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
from lessons.panels.planner_verdict import COMPUTED, of_method
from lessons.stage import planner_scenes, stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import prose, say, table
from viz.step_phases import describe_step_phases, draw_step_phases, get_step_phases_info, step_phases_tables
from viz.words import named


def terms(a: Answer) -> None:
    """Every term with formula, numbers and source; the four moments of a step; allocated, reserved and nvidia-smi apart."""
    markdown_table(
        [
            {
                _say("sum.term"): named("terms", e.name),
                _say("sum.gib"): f"{e.gib:.3f}",
                _say("sum.formula"): e.formula,
                _say("sum.source"): e.source,
            }
            for e in explain(a)
        ]
    )
    low, high = a.reserve.allocated_interval_gib
    st.markdown(
        _say(
            "sum.peak",
            allocated=f"{a.reserve.allocated_gib:.3f}", low=f"{low:.2f}", high=f"{high:.2f}",
            reserved=f"{a.reserve.reserved_gib:.2f}", shown=f"{a.reserve.nvidia_smi_gib:.1f}",
        )
    )  # fmt: skip
    st.subheader(_say("sum.step"), anchor=False)
    stage(step_scene(a), key="calculator-step")
    prose("pictures", "terrain")
    stage(planner_scenes.terrain_scene(a.options), key="calculator-terrain")
    held = a.estimate.standing
    per_task = a.adapter_bytes / 1e6
    share = f"{100 * held.trainable_params / held.total_params:.4g}"
    counted = _say("sum.counted", parameters=f"{held.total_params:,}", trained=f"{held.trainable_params:,}", share=share)
    kept = {"one": f"{per_task:,.1f}", "hundred": f"{per_task / 10:,.2f}", "base": f"{a.checkpoint_bytes / 1e9:,.1f}"}
    st.markdown(f"{counted} {_say('sum.stored_full' if a.options.method == 'full' else 'sum.stored', **kept)}")


def _say(key: str, **values: object) -> str:
    return say("calculator", key, **values)


def step_scene(a: Answer) -> Scene:
    """The highest moment of each phase, term by term: what stands at the load, what comes and goes after it."""
    names = table("calculator")["phases"]
    played = timeline(a.options, a.arch)
    totals = played.gib.sum(1)
    phases = {names["load"]: {name: value / GIB for name, value in a.estimate.standing.terms_bytes.items()}}
    for phase in dict.fromkeys(played.phases):
        at = max((n for n, name in enumerate(played.phases) if name == phase), key=lambda n: totals[n])
        phases[names[phase]] = {name: float(value) for name, value in zip(played.terms, played.gib[at], strict=True)}
    info = get_step_phases_info(of_method(a), phases, a.gpu.usable_gib, a.gpu.name, COMPUTED)
    return plain_stage(_say("page.step"), draw_step_phases(info), describe_step_phases(info), step_phases_tables(info), height_px=400)


def take_away(a: Answer) -> None:
    """The answer as JSON and CSV, and a script that starts the run."""
    found = as_json(a)
    left, middle, right = st.columns(3)
    left.download_button(
        _say("take.json"), json.dumps({"question": a.options.as_dict(), "answer": found}, indent=1), "calculator.json", "application/json"
    )
    middle.download_button(_say("take.csv"), _csv(found), "calculator.csv", "text/csv")
    source = launch_script(a.options)
    right.download_button(_say("take.script"), source, "finetune.py", "text/x-python")
    st.markdown(_say("take.link"))
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
