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

FILE = Path(engine.planner.__file__).with_name("accuracy.json")


@cache
def _report() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(FILE.read_bytes())
    return report


def accuracy(a: Answer) -> None:
    """The table that `make accuracy` prints and commits."""
    report = _report()
    st.markdown(
        "Every figure of this page carries the error measured for its method on published measurements that others made, or, where there are none, the widest of them."
    )
    markdown_table([_row(s) for part in ("rows", "held_out", "speed", "others") for s in report[part]])
    own = own_rows()
    st.markdown(
        f"The next table holds {len(own)} questions that this project put to a real {own[0].gpu}, each listed before it was run. No constant "
        "of allocated memory was set on it. Every second model of it helped to set what PyTorch reserves beyond that; the others are scored apart. Of speed, one thing was set on these rows: how long a processor needs to start a "
        "layer's kernels, which is what small models and small batches wait for."
    )
    markdown_table([_row(s) for s in report["own"]])
    with st.expander(f"All {len(own)} of them"):
        markdown_table([_own(row) for row in own])
    traces = report.get("traces")
    if traces:
        st.markdown(
            f"Against {traces['traces']:,} traces of random models: {traces['within_2_percent']}% of the sums are within 2%, "
            f"mean error {traces['mean_percent']}%."
        )
    st.markdown("No published rows: " + ", ".join(report["no_published_rows"]) + ".")
    with st.expander(f"{len(report['misses'])} measurements that the sum misses by more than 10%, and why"):
        markdown_table([{"measurement": m["id"], "error": f"{m['error_percent']:+.1f}%", "reason": m["reason"]} for m in report["misses"]])


def _own(row: OwnRow) -> dict[str, str]:
    said = row.said_tokens_per_second
    return {
        "question": row.id,
        "measured": f"{row.measured_gib:.2f} GiB",
        "said": f"{row.said_gib:.2f} GiB",
        "error": f"{row.allocated_error_percent:+.2f}%",
        "error, reserved": f"{row.reserved_error_percent:+.1f}%",
        "tokens/s": f"{row.tokens_per_second:,.0f}",
        "tokens/s said": f"{said[0]:,.0f} to {said[1]:,.0f}" if said else "",
    }


def _row(score: dict[str, Any]) -> dict[str, str]:
    inside = score["covered_percent"]
    return {
        "group": score["group"],
        "rows": str(score["rows"]),
        "mean error": f"{score['mean_percent']:.1f}%",
        "90th percentile": f"{score['p90_percent']:.1f}%",
        "bias": f"{score['bias_percent']:+.1f}%",
        "inside": "" if inside is None else f"{inside:.0f}%",
    }
