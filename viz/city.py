"""The whole network as a city: a tower for each matrix, as high as training moved it, ‖ΔW‖ / ‖W‖.

info = get_city_info(delta.matrices.values(), label)   # rows with layer, kind, norm and weight_norm
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.space import Axis, Box, bare, boxes, space, whole
from viz.table import Table
from viz.words import say

KINDS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class House(NamedTuple):
    """One matrix."""

    layer: int
    kind: str
    moved: float
    """‖ΔW‖ / ‖W‖, Frobenius; 0 where the method does not touch it."""


class CityInfo(NamedTuple):
    """Streets by kind, one house a layer."""

    houses: tuple[House, ...]
    layers: int
    label: TruthLabel


def get_city_info(matrices: Iterable[Mapping[str, Any]], label: TruthLabel, layers: int | None = None) -> CityInfo:
    """From rows with layer, kind, norm, weight_norm; those of no layer (embeddings) are left out. Untouched matrices stay as empty plots."""
    moved = {
        (int(row["layer"]), str(row["kind"])): float(row["norm"]) / float(row["weight_norm"]) if row["weight_norm"] else 0.0
        for row in matrices
        if isinstance(row.get("layer"), int) and row["layer"] >= 0 and row["kind"] in KINDS
    }
    count = max([layers or 0, *(layer + 1 for layer, _ in moved)], default=0)
    houses = tuple(House(layer, kind, moved.get((layer, kind), 0.0)) for kind in KINDS for layer in range(count))
    return CityInfo(houses, count, label)


def draw_city(info: CityInfo) -> go.Figure:
    """Layers along the city, kinds across it. Attention and MLP are traces of their own; empty plots are in the frozen colour."""
    top = max((house.moved for house in info.houses), default=0.0) or 1.0
    districts: dict[str, list[Box]] = {"attention": [], "mlp": []}
    for house in info.houses:
        street = KINDS.index(house.kind)
        words = say("city.moved" if house.moved else "city.untouched", layer=house.layer, kind=house.kind, moved=f"{100 * house.moved:.2g}")
        colour = _shade(house.moved / top) if house.moved else LIGHT.frozen
        districts["attention" if street < 4 else "mlp"].append(
            Box(house.layer - 0.35, street - 0.35, 0.7, 0.7, max(house.moved, 0.01 * top), colour, words)
        )
    figure = go.Figure([boxes(towers, name, say(f"city.{name}")) for name, towers in districts.items() if towers])
    figure.update_layout(
        template=template(),
        **titled(say("city.title"), info.label),
        scene=space(
            whole(say("city.layer"), -0.7, max(1, info.layers) - 0.3, info.layers),
            Axis("", -0.6, len(KINDS) - 0.4, tuple((float(n), kind) for n, kind in enumerate(KINDS))),
            Axis("‖ΔW‖ / ‖W‖", 0, 1.1 * top),
            aspect=(1.5, 0.75, 0.5), eye=(0.65, -1.35, 0.9),
        ),
    )  # fmt: skip
    return bare(figure)


def describe_city(info: CityInfo) -> str:
    """The picture in words."""
    touched = [house for house in info.houses if house.moved]
    if not touched:
        return say("city.empty")
    most = max(touched, key=lambda house: house.moved)
    means = {kind: [h.moved for h in touched if h.kind == kind] for kind in KINDS}
    parts = ", ".join(f"{kind} {100 * sum(values) / len(values):.2g}%" for kind, values in means.items() if values)
    farthest = {"layer": most.layer, "kind": most.kind, "moved": f"{100 * most.moved:.2g}"}
    return say("city.says", count=len(touched), all=len(info.houses), parts=parts, **farthest)


def city_tables(info: CityInfo) -> tuple[Table, ...]:
    """One row a layer, one column a kind."""
    by_place = {(house.layer, house.kind): house.moved for house in info.houses}
    rows = tuple((layer, *(by_place[layer, kind] for kind in KINDS)) for layer in range(info.layers))
    return (Table(say("city.table"), (say("city.layer"), *KINDS), rows),)


def _shade(share: float) -> str:
    """Five steps of the trainable family, so that each has a partner in the dark theme."""
    steps = [colour for _, colour in LIGHT.factor]
    return (steps[3], steps[3], steps[4], steps[4], LIGHT.trainable)[min(4, int(5 * share))]
