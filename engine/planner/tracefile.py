"""Traces that were made once and are kept with the code (traces.jsonl), against the formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.planner.answer import arch_of
from engine.planner.memory import estimate
from engine.planner.options import read_options

FILE = Path(__file__).with_name("traces.jsonl")


def traces() -> list[dict[str, Any]]:
    """{"question", "peak_bytes", ...} for each trace; empty where none were made."""
    if not FILE.exists():
        return []
    return [json.loads(line) for line in FILE.read_text().splitlines() if line.strip()]


def ratio(trace: dict[str, Any]) -> float:
    """Formula over trace, without the GPU libraries' workspace, which no trace sees."""
    options = read_options(trace["question"])
    found = estimate(options, arch_of(options))
    return float((found.peak_bytes - found.terms_bytes["framework"]) / trace["peak_bytes"])


def compare() -> dict[str, Any]:
    """Errors over all kept traces."""
    found = traces()
    if not found:
        return {}
    errors = np.array([ratio(trace) - 1 for trace in found])
    size = np.abs(errors)
    return {
        "traces": len(found),
        "within_2_percent": round(100 * float((size <= 0.02).mean()), 2),
        "mean_percent": round(100 * float(size.mean()), 3),
        "p90_percent": round(100 * float(np.percentile(size, 90)), 3),
        "bias_percent": round(100 * float(errors.mean()), 3),
    }
