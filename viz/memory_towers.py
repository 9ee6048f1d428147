"""Methods as towers of memory against the height of the card.

info = get_memory_towers_info("Llama-2-7B", [("LoRA", {"weights": 12.6, ...}), ...], usable_gib=23.5, card="RTX 4090", label=label)
The numbers come from `engine.planner`; this file only draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.memory_stack import COLOURS
from viz.space import Axis, Box, bare, boxes, space
from viz.table import Table
from viz.words import heads, named, say


class Tower(NamedTuple):
    """One method: its terms from the ground up, GiB."""

    method: str
    terms_gib: tuple[tuple[str, float], ...]

    @property
    def total_gib(self) -> float:
        return sum(gib for _, gib in self.terms_gib)


class MemoryTowersInfo(NamedTuple):
    """Towers in the order given."""

    model: str
    towers: tuple[Tower, ...]
    usable_gib: float
    card: str
    label: TruthLabel


def get_memory_towers_info(
    model: str, methods: Sequence[tuple[str, Mapping[str, float]]], *, usable_gib: float, card: str, label: TruthLabel
) -> MemoryTowersInfo:
    """Terms above nothing are kept, in their order."""
    towers = tuple(Tower(name, tuple((term, float(gib)) for term, gib in terms.items() if gib > 0)) for name, terms in methods)
    return MemoryTowersInfo(model, towers, usable_gib, card, label)


def draw_memory_towers(info: MemoryTowersInfo) -> go.Figure:
    """One mesh a term, so that a word can light that term in all towers; the card is a plane.

    Terms too thin to be seen are left to the table: two faces at nearly one height flicker through each other.
    """
    by_term: dict[str, list[Box]] = {}
    thin = 0.01 * max(tower.total_gib for tower in info.towers) if info.towers else 0.0
    for place, tower in enumerate(info.towers):
        foot = 0.0
        for term, gib in tower.terms_gib:
            words = say("memory_towers.hover", method=tower.method, term=named("terms", term), gib=f"{gib:.2f}")
            if gib >= thin:
                by_term.setdefault(term, []).append(Box(place - 0.32, 0, 0.64, 0.64, gib, COLOURS.get(term, LIGHT.base), words, foot))
            foot += gib
    figure = go.Figure([boxes(towers, term, named("terms", term)) for term, towers in by_term.items()])
    last, card = len(info.towers) - 0.4, say("memory_towers.card", card=info.card, gib=f"{info.usable_gib:.1f}")
    corners = {"x": [-0.6, last, last, -0.6], "y": [-0.25, -0.25, 0.9, 0.9], "z": [info.usable_gib] * 4}
    figure.add_mesh3d(
        **corners, i=[0, 0], j=[1, 2], k=[2, 3], color=LIGHT.trainable, opacity=0.22, meta="card",
        name=say("memory_towers.card_name"), hovertemplate=f"{card}<extra></extra>",
    )  # fmt: skip
    top = 1.15 * max([info.usable_gib, *(tower.total_gib for tower in info.towers)])
    notes = [(f"{tower.total_gib:.1f}", (float(place), 0.3, tower.total_gib + 0.05 * top)) for place, tower in enumerate(info.towers)]
    notes.append((card, (last - 0.2, 0.9, info.usable_gib + 0.05 * top)))
    figure.update_layout(
        template=template(),
        **titled(say("memory_towers.title", model=info.model), info.label),
        scene=space(
            Axis("", -0.6, last, tuple((float(place), tower.method) for place, tower in enumerate(info.towers))),
            Axis("", -0.25, 0.9, ()),
            Axis(say("memory_towers.z"), 0, top),
            aspect=(1.6, 0.4, 0.9), eye=(0.3, -1.6, 0.5), lift=-0.03, notes=notes,
        ),
    )  # fmt: skip
    return bare(figure)


def describe_memory_towers(info: MemoryTowersInfo) -> str:
    """The picture in words."""
    parts = ", ".join(
        say(f"memory_towers.{'fits' if t.total_gib <= info.usable_gib else 'exceeds'}", method=t.method, gib=f"{t.total_gib:.1f}")
        for t in info.towers
    )
    return say("memory_towers.says", model=info.model, card=info.card, usable=f"{info.usable_gib:.1f}", parts=parts)


def memory_towers_tables(info: MemoryTowersInfo) -> tuple[Table, ...]:
    """One row a method and term."""
    rows = tuple(
        (t.method, named("terms", term), round(gib, 3)) for t in info.towers for term, gib in (*t.terms_gib, ("total", t.total_gib))
    )
    return (Table(say("memory_towers.table", model=info.model), heads("memory_towers.columns"), rows),)
