"""How a run learns: score and key-fact score on held-out prompts above, how far the weights moved below."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table


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
        ("held-out score", [_percent(look.score) for look in info.looks], LIGHT.trainable, "solid", "circle", "y"),
        ("key fact kept", [_percent(look.fact_score) for look in info.looks], LIGHT.base, "dash", "square", "y"),
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
                hovertemplate=f"step %{{x}}: {unit}<extra>{name}</extra>",
            )
    second: dict[str, Any] = {
        "title": "ratio",
        "nticks": 3,
        "domain": [0, 0.32],
        "rangemode": "tozero",
        "exponentformat": "power",
        "gridcolor": LIGHT.grid,
    }
    figure.update_layout(
        template=template(),
        **titled("What held-out prompts say", info.label),
        yaxis={"title": "prompts (%)", "range": [-4, 104], "domain": [0.42, 1]},
        yaxis2=second,
    )
    figure.update_xaxes(title="step", rangemode="tozero", anchor="y2")
    return figure


def describe_learning_curve(info: LearningCurveInfo) -> str:
    """The chart in words."""
    known = [look for look in info.looks if look.score is not None]
    if not known:
        return "The model has not been looked at yet."
    first, last = known[0], known[-1]
    text = f"Held-out score: {_words(first.score)} at step {first.step}, {_words(last.score)} at step {last.step}."
    if first.fact_score is not None and last.fact_score is not None:
        text += f" Key fact kept: {_words(first.fact_score)}, then {_words(last.fact_score)}."
    if last.drift is not None:
        text += f" The weights moved by {last.drift:.2g} of their norm."
    return text


def learning_curve_table(info: LearningCurveInfo) -> Table:
    """One row a look."""
    rows = tuple((look.step, _percent(look.score), _percent(look.fact_score), look.drift) for look in info.looks)
    return Table("Held-out prompts by step", ("step", "score, %", "key fact kept, %", "‖ΔW‖ / ‖W‖"), rows)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _words(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f}%"
