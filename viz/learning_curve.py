"""How a run learns: score and key-fact score on held-out prompts above, how far the weights moved below."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class Look(NamedTuple):
    """One look at the model on held-out prompts; None where nothing was measured."""

    step: int
    score: float | None
    """Share of prompts that pass the task's scorer, 0 to 1."""
    fact_score: float | None
    """Share of answers that hold the key fact, 0 to 1."""
    drift: float | None
    """‖ΔW‖ / ‖W‖, Frobenius."""


class LearningCurveInfo(NamedTuple):
    """Looks in the order of their steps."""

    looks: tuple[Look, ...]
    label: TruthLabel


def get_learning_curve_info(looks: Iterable[tuple[int, float | None, float | None, float | None]], label: TruthLabel) -> LearningCurveInfo:
    """From (step, score, fact score, drift); what is not finite becomes None."""
    rows = [Look(int(step), *(_finite(value) for value in rest)) for step, *rest in looks]
    return LearningCurveInfo(tuple(sorted(rows, key=lambda look: look.step)), label)


def draw_learning_curve(info: LearningCurveInfo) -> go.Figure:
    """Two panels over one axis of steps; dash and marker tell the lines apart where colour does not."""
    figure = go.Figure()
    steps = [look.step for look in info.looks]
    lines: list[tuple[str, list[float | None], str, str, str, str]] = [
        (say("learning_curve.score"), [_percent(look.score) for look in info.looks], LIGHT.trainable, "solid", "circle", "y"),
        (say("learning_curve.fact"), [_percent(look.fact_score) for look in info.looks], LIGHT.base, "dash", "square", "y"),
        ("‖ΔW‖ / ‖W‖", [look.drift for look in info.looks], LIGHT.trainable, "solid", "diamond", "y2"),
    ]
    for name, values, colour, dash, symbol, axis in lines:
        if any(value is not None for value in values):
            unit = "%{y:.0f}%" if axis == "y" else "%{y:.2e}"
            figure.add_scatter(
                x=steps,
                y=values,
                yaxis=axis,
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2.5, "dash": dash},
                marker={"symbol": symbol, "size": 8},
                hovertemplate=say("learning_curve.hover", step="%{x}", value=unit) + f"<extra>{name}</extra>",
            )
    second: dict[str, Any] = {
        "title": say("learning_curve.ratio"),
        "nticks": 3,
        "domain": [0, 0.32],
        "rangemode": "tozero",
        "exponentformat": "power",
        "gridcolor": LIGHT.grid,
    }
    figure.update_layout(
        template=template(),
        **titled(say("learning_curve.title"), info.label),
        yaxis={"title": say("learning_curve.y"), "range": [-4, 104], "domain": [0.42, 1]},
        yaxis2=second,
    )
    figure.update_xaxes(title=say("learning_curve.x"), rangemode="tozero", anchor="y2")
    return figure


def describe_learning_curve(info: LearningCurveInfo) -> str:
    """The chart in words."""
    known = [look for look in info.looks if look.score is not None]
    if not known:
        return say("learning_curve.empty")
    first, last = known[0], known[-1]
    parts = [say("learning_curve.says", first=_words(first.score), start=first.step, last=_words(last.score), end=last.step)]
    if first.fact_score is not None and last.fact_score is not None:
        parts.append(say("learning_curve.says_fact", first=_words(first.fact_score), last=_words(last.fact_score)))
    if last.drift is not None:
        parts.append(say("learning_curve.says_drift", drift=f"{last.drift:.2g}"))
    return " ".join(parts)


def learning_curve_table(info: LearningCurveInfo) -> Table:
    """One row a look."""
    rows = tuple((look.step, _percent(look.score), _percent(look.fact_score), look.drift) for look in info.looks)
    return Table(say("learning_curve.table"), heads("learning_curve.columns"), rows)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _words(share: float | None) -> str:
    return say("learning_curve.unknown") if share is None else f"{100 * share:.0f}%"
