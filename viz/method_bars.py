"""One number of every method, as bars with a dash for each seed where there are several.

info = get_method_bars_info([("LoRA", "lora", [94.0, 100.0, 88.0]), ...], "held-out score (%)", label)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class Bar(NamedTuple):
    """One method: the mean and its seeds."""

    name: str
    part: str
    mean: float
    seeds: tuple[float, ...]


class MethodBarsInfo(NamedTuple):
    """Bars in the order given; methods without a run are left out."""

    bars: tuple[Bar, ...]
    unit: str
    log: bool
    label: TruthLabel


def get_method_bars_info(
    methods: Iterable[tuple[str, str, Sequence[float]]], unit: str, label: TruthLabel, *, log: bool = False
) -> MethodBarsInfo:
    """Raises ValueError where a logarithmic axis gets a value that is not above zero."""
    bars = tuple(Bar(name, part, sum(values) / len(values), tuple(map(float, values))) for name, part, values in methods if values)
    for bar in bars:
        if log and min(bar.seeds) <= 0:
            raise ValueError(f"{bar.name}: {min(bar.seeds)} is not above zero; a logarithmic axis has no place for it")
    return MethodBarsInfo(bars, unit, log, label)


def draw_method_bars(info: MethodBarsInfo) -> go.Figure:
    """Full fine-tuning in the frozen colour, the others in the trainable one."""
    figure = go.Figure()
    for bar in info.bars:
        place = bar.name.replace(" (", "<br>(")  # two short lines stay upright where one long one is turned
        figure.add_bar(
            x=[place], y=[bar.mean], name=bar.name, meta=bar.part, opacity=0.75,
            marker={"color": LIGHT.frozen if bar.part == "full" else LIGHT.trainable},
            hovertemplate=f"{bar.name}: %{{y:.3g}}<extra>{say('method_bars.mean' if len(bar.seeds) > 1 else 'method_bars.run', seeds=len(bar.seeds))}</extra>",
        )  # fmt: skip
        if len(bar.seeds) > 1:
            figure.add_scatter(
                x=[place] * len(bar.seeds), y=bar.seeds, mode="markers", name=bar.name, meta=bar.part,
                marker={"color": LIGHT.text, "size": 7, "symbol": "line-ew-open"}, hovertemplate=f"%{{y:.3g}}<extra>{say('method_bars.seed')}</extra>",
            )  # fmt: skip
    figure.update_layout(
        template=template(), **titled(info.unit[:1].upper() + info.unit[1:], info.label), showlegend=False, margin={"b": 48}
    )
    figure.update_yaxes(title=info.unit, type="log" if info.log else "linear", rangemode="normal" if info.log else "tozero")
    return figure


def describe_method_bars(info: MethodBarsInfo) -> str:
    """The chart in words."""
    if not info.bars:
        return say("method_bars.empty")
    what = info.unit[:1].upper() + info.unit[1:]
    if all(len(bar.seeds) == 1 for bar in info.bars):
        return say("method_bars.says_single", unit=what, parts=", ".join(f"{bar.name} {bar.mean:.3g}" for bar in info.bars))
    parts = ", ".join(
        say("method_bars.part", name=b.name, mean=f"{b.mean:.3g}", least=f"{min(b.seeds):.3g}", most=f"{max(b.seeds):.3g}")
        for b in info.bars
    )
    return say("method_bars.says", unit=what, parts=parts)


def method_bars_tables(info: MethodBarsInfo) -> tuple[Table, ...]:
    """One row a method."""
    rows = tuple((b.name, b.mean, min(b.seeds), max(b.seeds), len(b.seeds)) for b in info.bars)
    return (Table(info.unit[:1].upper() + info.unit[1:], heads("method_bars.columns"), rows),)
