"""Memory and the city: towers as high as their numbers, the stack's top as the sum."""

from __future__ import annotations

import json

import numpy as np
import pytest

from viz.city import KINDS, city_tables, describe_city, draw_city, get_city_info
from viz.colours import LIGHT
from viz.label import truth_label
from viz.memory_terrain import describe_memory_terrain, draw_memory_terrain, get_memory_terrain_info, memory_terrain_tables
from viz.memory_towers import describe_memory_towers, draw_memory_towers, get_memory_towers_info, memory_towers_tables
from viz.space import Box, boxes

LABEL = truth_label("illustration")
TERMS = ("weights", "optimizer", "activations", "logits")
GIB = np.array([[4.0, 2, 1, 0], [4, 2, 6, 0], [4, 2, 6, 0.001], [4, 2, 2, 0]])
PHASES = ("forward", "forward", "backward", "step")


def test_terrain_stacks_terms_and_leaves_out_what_cannot_be_seen() -> None:
    info = get_memory_terrain_info("m", PHASES, TERMS, GIB, usable_gib=15.0, card="T4", label=LABEL)
    figure = draw_memory_terrain(info)
    surfaces = [trace for trace in figure.data if trace.type == "surface"]
    assert [trace.meta for trace in surfaces] == ["weights", "optimizer", "activations"]
    np.testing.assert_allclose(surfaces[-1].z[1], GIB[:, :3].sum(1))
    np.testing.assert_allclose(surfaces[1].z[0], surfaces[0].z[1])
    assert any(trace.meta == "card" and set(trace.z) == {15.0} for trace in figure.data)
    assert figure.layout.scene.xaxis.ticktext == ("forward", "backward", "step")
    assert "highest in the backward phase with 12.0 GiB: activations 6.0" in describe_memory_terrain(info)
    assert [row[0] for row in memory_terrain_tables(info)[0].rows] == ["forward", "backward", "step"]
    with pytest.raises(ValueError, match="there are 4 moments and 3 terms"):
        get_memory_terrain_info("m", PHASES, TERMS[:3], GIB, usable_gib=15.0, card="T4", label=LABEL)


def test_a_card_far_above_is_said_in_words_only() -> None:
    info = get_memory_terrain_info("m", PHASES, TERMS, GIB, usable_gib=80.0, card="A100", label=LABEL)
    figure = draw_memory_terrain(info)
    assert all(trace.meta != "card" for trace in figure.data) and figure.layout.scene.zaxis.range[1] < 20
    assert "80.0 GiB" in describe_memory_terrain(info)


def test_towers_are_as_high_as_their_sums() -> None:
    methods = [("full", {"weights": 10.0, "optimizer": 20.0, "logits": 0.0}), ("LoRA", {"weights": 10.0, "adapters": 0.5})]
    info = get_memory_towers_info("m", methods, usable_gib=23.0, card="RTX 4090", label=LABEL)
    assert [tower.total_gib for tower in info.towers] == [30.0, 10.5]
    meshes = {trace.meta: trace for trace in draw_memory_towers(info).data}
    assert list(meshes) == ["weights", "optimizer", "adapters", "card"]
    assert max(meshes["optimizer"].z) == 30.0 and min(meshes["optimizer"].z) == 10.0 and max(meshes["adapters"].z) == 10.5
    words = describe_memory_towers(info)
    assert "full 30.0 (does not fit), LoRA 10.5 (fits)" in words
    assert ("full", "total", 30.0) in memory_towers_tables(info)[0].rows


def test_towers_as_one_mesh_have_their_corners_and_closed_sides() -> None:
    towers = [Box(1, 2, 0.5, 0.25, 3, LIGHT.frozen, "a", 10), Box(-1, 0, 1, 1, 2, LIGHT.base, "b")]
    mesh = boxes(towers, "towers", "towers")
    x, y, z = (np.array(getattr(mesh, axis)).reshape(2, 8) for axis in "xyz")
    np.testing.assert_allclose([x.min(1), x.max(1)], [[1, -1], [1.5, 0]])
    np.testing.assert_allclose([y.min(1), y.max(1)], [[2, 0], [2.25, 1]])
    np.testing.assert_allclose([z.min(1), z.max(1)], [[10, 0], [13, 2]])
    faces = np.column_stack([mesh.i, mesh.j, mesh.k])
    assert (faces[:12] < 8).all() and (faces[12:] >= 8).all() and list(mesh.facecolor) == [LIGHT.frozen] * 12 + [LIGHT.base] * 12
    edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all(), "every edge belongs to two triangles: no hole"


def matrices(layers: int, kinds: tuple[str, ...]) -> list[dict[str, object]]:
    return [
        {"layer": layer, "kind": kind, "norm": 0.1 * (layer + 1), "weight_norm": 10.0, "name": "x"}
        for layer in range(layers)
        for kind in kinds
    ]


def test_city_has_a_house_for_every_matrix_and_empty_plots_for_the_untouched() -> None:
    info = get_city_info(matrices(3, ("q_proj", "v_proj")), LABEL)
    assert len(info.houses) == 3 * len(KINDS) and sum(house.moved > 0 for house in info.houses) == 6
    attention, mlp = draw_city(info).data
    assert max(attention.z) == pytest.approx(0.03) and max(mlp.z) == pytest.approx(0.0003)
    assert len(attention.x) == 8 * 12 and len(attention.i) == 12 * 12 and len(attention.facecolor) == len(attention.i)
    assert "6 of 21 matrices moved" in describe_city(info) and "layer 2, q_proj" in describe_city(info)
    assert city_tables(info)[0].rows[2][1:4] == (pytest.approx(0.03), 0.0, pytest.approx(0.03))


@pytest.mark.parametrize(
    "rows", [[], matrices(1, KINDS), matrices(40, KINDS), [{"layer": -1, "kind": "embed", "norm": 1, "weight_norm": 1}]]
)
def test_city_takes_any_network(rows) -> None:
    info = get_city_info(rows, LABEL)
    json.loads(draw_city(info).to_json())
    assert describe_city(info) and len(city_tables(info)[0].rows) == info.layers
