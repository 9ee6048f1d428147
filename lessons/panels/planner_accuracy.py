"""How wrong the calculator is, per method, and on what that was measured."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

import engine.planner
from engine.planner.accuracy import OwnRow, own_rows
from engine.planner.answer import Answer
from lessons.panels.planner_fit import markdown_table
from lessons.panels.planner_verdict import between
from lessons.text import say

FILE = Path(engine.planner.__file__).with_name("accuracy.json")


@cache
def _report() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(FILE.read_bytes())
    return report


def accuracy(a: Answer) -> None:
    """The table that `make accuracy` prints and commits."""
    report = _report()
    st.markdown(_say("lead"))
    markdown_table([_row(s) for part in ("rows", "held_out", "speed", "others") for s in report[part]])
    own = own_rows()
    st.markdown(_say("own", questions=len(own), gpu=own[0].gpu))
    markdown_table([_row(s) for s in report["own"]])
    with st.expander(_say("all", questions=len(own))):
        markdown_table([_own(row) for row in own])
    traces = report.get("traces")
    if traces:
        st.markdown(_say("traces", traces=f"{traces['traces']:,}", within=traces["within_2_percent"], mean=traces["mean_percent"]))
    st.markdown(_say("none", groups=", ".join(report["no_published_rows"])))
    with st.expander(_say("misses", misses=len(report["misses"]))):
        markdown_table([_miss(miss) for miss in report["misses"]])


def _say(key: str, **values: object) -> str:
    return say("calculator", f"accuracy.{key}", **values)


def _own(row: OwnRow) -> dict[str, str]:
    told = row.said_tokens_per_second
    return {
        _say("question"): row.id,
        _say("measured"): f"{row.allocated.truth:.2f} GiB",
        _say("said"): f"{row.allocated.said:.2f} GiB",
        _say("error"): f"{row.allocated.error_percent:+.2f}%",
        _say("error_reserved"): f"{row.reserved.error_percent:+.1f}%",
        _say("speed"): f"{row.tokens_per_second:,.0f}",
        _say("speed_said"): between(told, ",.0f") if told else "",
    }


def _row(score: dict[str, Any]) -> dict[str, str]:
    return {
        _say("group"): score["group"],
        _say("rows"): str(score["rows"]),
        _say("mean"): f"{score['mean_percent']:.1f}%",
        _say("percentile"): f"{score['p90_percent']:.1f}%",
        _say("bias"): f"{score['bias_percent']:+.1f}%",
        _say("inside"): _whole(score["covered_percent"]),
        _say("width"): _whole(score["width_percent"]),
    }


def _whole(percent: float | None) -> str:
    return "" if percent is None else f"{percent:.0f}%"


def _miss(miss: dict[str, Any]) -> dict[str, str]:
    return {_say("measurement"): miss["id"], _say("error"): f"{miss['error_percent']:+.1f}%", _say("reason"): miss["reason"]}
