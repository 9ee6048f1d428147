"""The singular values of ΔW, of this run and of full fine-tuning side by side, and the energy that the top k hold.

The energy of the top k is s₁² + ... + s_k² over ‖ΔW‖² (Eckart and Young 1936: no matrix of rank k comes closer).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, short_name, titled
from viz.table import Table
from viz.words import heads, say


class Spectrum(NamedTuple):
    """One run's ΔW of one matrix."""

    name: str
    """In the legend, such as "this run, LoRA r = 8"."""
    singular: tuple[float, ...]
    """Descending; values that are not finite or not above zero are left out, since the axis is logarithmic."""
    energy: tuple[float, ...]
    """Share of ‖ΔW‖² in the top 1, 2, ..., 0 to 1."""
    label: TruthLabel


class SpectrumInfo(NamedTuple):
    """The run first, then those it is compared with."""

    matrix: str
    spectra: tuple[Spectrum, ...]


def get_spectrum(name: str, singular: Sequence[float], label: TruthLabel, norm: float | None = None) -> Spectrum:
    """Energy shares from singular values. `norm` is ‖ΔW‖ (Frobenius) where `singular` holds only the largest values."""
    kept = tuple(float(s) for s in singular if math.isfinite(s) and s > 0)
    total = sum(s * s for s in kept) if norm is None else norm * norm
    running, shares = 0.0, []
    for s in kept:
        running += s * s
        shares.append(min(1.0, running / total) if total > 0 else 0.0)
    return Spectrum(name, kept, tuple(shares), label)


def get_spectrum_info(matrix: str, spectra: Sequence[Spectrum]) -> SpectrumInfo:
    """Those spectra that hold at least one value."""
    return SpectrumInfo(matrix, tuple(s for s in spectra if s.singular))


def draw_spectrum(info: SpectrumInfo) -> go.Figure:
    """Above: singular values, logarithmic. Below: energy in the top k. The first run is in the trainable colour.

    The title's label is the first run's; each name in the legend says its own kind, each table has the whole label.
    """
    figure = go.Figure()
    looks = ((LIGHT.trainable, "solid", "circle"), (LIGHT.frozen, "dash", "diamond"), (LIGHT.base, "dot", "square"))
    for spectrum, (colour, dash, symbol) in zip(info.spectra, looks, strict=False):
        k = list(range(1, len(spectrum.singular) + 1))
        line = {"color": colour, "width": 2, "dash": dash}
        name = say("spectrum.name", name=spectrum.name, kind=spectrum.label.kind_text)
        shared: dict[str, Any] = {"x": k, "name": name, "legendgroup": spectrum.name, "line": line}
        marker = {"symbol": symbol, "size": 6, "color": colour}
        figure.add_scatter(
            **shared,
            y=spectrum.singular,
            mode="lines+markers",
            marker=marker,
            hovertemplate=say("spectrum.hover", k="%{x}", value="%{y:.3g}") + "<extra>%{fullData.name}</extra>",
        )
        figure.add_scatter(
            **shared,
            y=[100 * e for e in spectrum.energy],
            mode="lines",
            showlegend=False,
            yaxis="y2",
            hovertemplate=say("spectrum.hover_energy", k="%{x}", share="%{y:.0f}%") + "<extra>%{fullData.name}</extra>",
        )
    label = info.spectra[0].label if info.spectra else TruthLabel("illustration")
    title = say("spectrum.title", matrix=short_name(info.matrix))
    figure.update_layout(template=template(), **titled(title, label), hovermode="closest")
    figure.update_xaxes(title=say("spectrum.x"), rangemode="tozero", anchor="y2")
    figure.update_layout(
        yaxis={"title": say("spectrum.y"), "type": "log", "domain": [0.45, 1], "exponentformat": "power", "dtick": 1},
        yaxis2={"title": say("spectrum.y_energy"), "range": [0, 104], "domain": [0, 0.36], "gridcolor": LIGHT.grid},
    )
    return figure


def describe_spectrum(info: SpectrumInfo) -> str:
    """The chart in words."""
    if not info.spectra:
        return say("spectrum.empty", matrix=info.matrix)
    return say("spectrum.says", matrix=short_name(info.matrix), parts=" ".join(map(_part, info.spectra)))


def directions_for(spectrum: Spectrum, share: float) -> str:
    """How many directions hold that share of the energy, in words: "5 are needed" or "more than 64 are needed"."""
    for k, energy in enumerate(spectrum.energy, 1):
        if energy >= share:
            return say("spectrum.needed_one" if k == 1 else "spectrum.needed", k=k)
    return say("spectrum.needed_more", k=len(spectrum.energy))


def spectrum_tables(info: SpectrumInfo) -> tuple[Table, ...]:
    """One table a spectrum."""
    header = heads("spectrum.columns")
    return tuple(
        Table(
            say("spectrum.table", name=s.name, label=s.label.text),
            header,
            tuple((k + 1, v, 100 * e) for k, (v, e) in enumerate(zip(s.singular, s.energy, strict=True))),
        )
        for s in info.spectra
    )


def _part(one: Spectrum) -> str:
    shares = {"share": f"{100 * one.energy[0]:.0f}", "needed": directions_for(one, 0.9)}
    return say("spectrum.part", name=one.name, label=one.label.text, count=len(one.singular), **shares)
