"""Each chart: its numbers, compared whole; and the same awkward cases through every drawer."""

from __future__ import annotations

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.delta_scene import (
    HEIGHT,
    delta_scene_tables,
    describe_delta_scene,
    draw_delta_scene,
    get_delta_scene_info,
)
from viz.label import TruthLabel, short_name, truth_label
from viz.learning_curve import Look, describe_learning_curve, draw_learning_curve, get_learning_curve_info, learning_curve_table
from viz.loss_curve import describe_loss_curve, draw_loss_curve, get_loss_curve_info, loss_curve_table
from viz.loss_lines import LossLine, describe_loss_lines, draw_loss_lines, get_loss_lines_info, loss_lines_table
from viz.method_bars import describe_method_bars, draw_method_bars, get_method_bars_info
from viz.spectrum import Spectrum, describe_spectrum, draw_spectrum, get_spectrum, get_spectrum_info, spectrum_tables

LABEL = truth_label("recorded", "2026-11-22", 0)
RNG = np.random.default_rng(0)


def factors(m: int, n: int, r: int) -> dict[str, np.ndarray]:
    b, a = RNG.normal(size=(m, r)).astype(np.float32), RNG.normal(size=(r, n)).astype(np.float32)
    u, s, vt = np.linalg.svd(b @ a, full_matrices=False)
    return {"left": u[:, :r] * s[:r], "right": vt[:r], "b": b, "a": a}


def trace(figure: go.Figure, role: str) -> go.Surface:
    return next(t for t in figure.data if t.meta == role)


def peak(values: np.ndarray) -> float:
    return float(np.abs(values).max())


# The ΔW scene


def test_surface_at_full_rank_is_b_times_a_at_the_cells_shown() -> None:
    parts = factors(300, 200, 4)
    info = get_delta_scene_info(**parts, matrix="m", label=LABEL)
    whole = parts["b"] @ parts["a"]
    assert info.rows.tolist() == list(range(0, 300, 4)) and info.columns.tolist() == list(range(0, 200, 3))
    np.testing.assert_allclose(info.product, whole[np.ix_(info.rows, info.columns)], atol=1e-4)
    np.testing.assert_allclose(info.left @ info.right, info.product, atol=1e-4)
    surface = np.asarray(trace(draw_delta_scene(info), "ΔW").z)
    np.testing.assert_allclose(surface * peak(info.product) / HEIGHT, info.product, atol=1e-4)


def test_scene_spectrum_is_numpys_and_energy_is_of_the_whole() -> None:
    parts = factors(64, 48, 6)
    cut = {"left": parts["left"][:, :3], "right": parts["right"][:3]}
    singular = np.linalg.svd(parts["b"] @ parts["a"], compute_uv=False)
    info = get_delta_scene_info(**cut, matrix="m", label=LABEL, norm=float(np.linalg.norm(singular)))
    np.testing.assert_allclose(info.spectrum, singular[:3], rtol=1e-4)
    np.testing.assert_allclose(info.energy, np.cumsum(singular[:3] ** 2) / np.sum(singular**2), rtol=1e-4)


@pytest.mark.parametrize("shape", [(576, 576), (576, 1536), (97, 96), (1, 5), (1, 1), (2000, 3)])
def test_sampling_never_shows_more_than_96_and_always_row_0(shape: tuple[int, int]) -> None:
    info = get_delta_scene_info(**factors(*shape, 1), matrix="m", label=LABEL)
    assert info.product.shape[0] <= 96 and info.product.shape[1] <= 96 and min(info.product.shape) >= 2
    assert info.rows[0] == info.columns[0] == 0


def test_scene_lays_the_factors_out_as_a_product() -> None:
    figure = draw_delta_scene(get_delta_scene_info(**factors(96, 64, 3), matrix="m", label=LABEL))
    b, a, delta = (trace(figure, role) for role in ("B", "A", "ΔW"))
    assert list(b.y) == list(delta.y) and list(a.x) == list(delta.x), "rows and columns are aligned"
    assert max(b.x) < min(delta.x) and min(a.y) > max(delta.y), "B stands left of ΔW, A behind it"
    assert np.isnan(np.asarray(b.z)[:, 2::3]).all(), "a gap between directions"
    texts = [note.text for note in figure.layout.scene.annotations]
    assert texts[0].startswith("<b>B  96 × 3</b><br>full height = ") and "A  3 × 64" in texts[1] and "ΔW = BA  96 × 64" in texts[2]


def test_scene_table_holds_the_largest_cell() -> None:
    parts = factors(20, 10, 2)
    parts["left"][7] *= 50
    info = get_delta_scene_info(**parts, matrix="m", label=LABEL)
    cells, spectrum = delta_scene_tables(info)
    row, column, value = cells.rows[0]
    assert (row, value) == (7, pytest.approx(float((parts["left"] @ parts["right"])[7, column]), rel=1e-4))
    assert [line[0] for line in spectrum.rows] == [1, 2] and spectrum.rows[-1][2] == pytest.approx(100)
    assert f"row 7, column {column}" in describe_delta_scene(info)


def test_scene_refuses_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="left has 2 directions and right has 3"):
        get_delta_scene_info(np.ones((4, 2)), np.ones((3, 4)), matrix="m", label=LABEL)
    with pytest.raises(ValueError, match=r"left has shape \(0, 2\)"):
        get_delta_scene_info(np.ones((0, 2)), np.ones((2, 4)), matrix="m", label=LABEL)


# The flat ones: numbers


def test_spectrum_info_is_numpys() -> None:
    matrix = RNG.normal(size=(30, 20))
    singular = np.linalg.svd(matrix, compute_uv=False)
    got = get_spectrum("run", singular[:5].tolist(), LABEL, norm=float(np.linalg.norm(matrix)))
    assert got.singular == tuple(singular[:5].tolist())
    np.testing.assert_allclose(got.energy, np.cumsum(singular[:5] ** 2) / np.linalg.norm(matrix) ** 2)
    assert get_spectrum("run", [2.0, 0.0, math.nan], LABEL) == Spectrum("run", (2.0,), (1.0,), LABEL)


def test_each_spectrum_carries_its_own_label_in_the_legend() -> None:
    mine, other = truth_label("live", "2026-11-28", 0), truth_label("recorded", "2026-11-22", 3)
    figure = draw_spectrum(get_spectrum_info("m", [get_spectrum("mine", [1.0], mine), get_spectrum("full", [1.0], other)]))
    names = [trace.name for trace in figure.data if trace.showlegend is None]
    assert names == ["mine · live", "full · recorded"]
    assert figure.layout.meta["kind"] == "live"


def test_loss_curve_info_turns_nan_into_a_gap() -> None:
    assert get_loss_curve_info([1, 2, 3], [2.0, math.nan, 1.0], 10, LABEL) == ((1, 2, 3), (2.0, None, 1.0), 10, LABEL)
    with pytest.raises(ValueError, match="2 steps and 1 losses"):
        get_loss_curve_info([1, 2], [1.0], 10, LABEL)


def test_loss_lines_leave_out_a_run_without_a_step_and_look_apart() -> None:
    info = get_loss_lines_info([("a", [1, 2], [2.0, math.nan]), ("b", [], []), ("c", [1], [3.0]), ("d", [1], [3.0])], LABEL)
    assert info == ((LossLine("a", (1, 2), (2.0, None)), LossLine("c", (1,), (3.0,)), LossLine("d", (1,), (3.0,))), LABEL)
    lines = draw_loss_lines(info).data
    assert len({trace.line.dash for trace in lines}) == len({trace.line.color for trace in lines}) == 3, "not by colour alone"
    assert describe_loss_lines(info).startswith("Training losses: a from 2.00 at step 1 to 2.00 at step 1; c")
    with pytest.raises(ValueError, match="b: 2 steps and 1 losses"):
        get_loss_lines_info([("a", [1], [1.0]), ("b", [1, 2], [1.0])], LABEL)


def test_a_bar_of_one_run_claims_no_range() -> None:
    one = get_method_bars_info([("LoRA", "lora", [87.5]), ("full", "full", [100.0])], "score (%)", LABEL)
    assert describe_method_bars(one) == "Score (%) of single runs: LoRA 87.5, full 100."
    assert [trace.type for trace in draw_method_bars(one).data] == ["bar", "bar"]
    several = get_method_bars_info([("LoRA", "lora", [80.0, 90.0])], "score (%)", LABEL)
    assert "mean and range over seeds: LoRA 85 (80 to 90)" in describe_method_bars(several)
    assert [trace.type for trace in draw_method_bars(several).data] == ["bar", "scatter"]


def test_learning_curve_info_sorts_by_step() -> None:
    info = get_learning_curve_info([(6, 0.5, None, 0.1), (0, 0.0, 0.9, math.inf)], LABEL)
    assert info == ((Look(0, 0.0, 0.9, None), Look(6, 0.5, None, 0.1)), LABEL)
    assert [t.name for t in draw_learning_curve(info).data] == ["held-out score", "key fact kept", "‖ΔW‖ / ‖W‖"]


# Every drawer, every awkward case: empty, one point, NaN, many.


def spectra(*lists: list[float]):
    return get_spectrum_info("m", [get_spectrum(f"run {i}", values, LABEL) for i, values in enumerate(lists)])


def scene(m: int, n: int, r: int, scale: float = 1.0):
    parts = {name: values * scale for name, values in factors(m, n, r).items()}
    return get_delta_scene_info(**parts, matrix="m", label=LABEL)


def full_scene(m: int, n: int, r: int):
    parts = factors(m, n, r)
    return get_delta_scene_info(parts["left"], parts["right"], matrix="m", label=LABEL)


CASES = [
    (draw_delta_scene, describe_delta_scene, delta_scene_tables, scene(1, 1, 1), None),
    (draw_delta_scene, describe_delta_scene, delta_scene_tables, scene(8, 8, 2, 0.0), None),
    (draw_delta_scene, describe_delta_scene, delta_scene_tables, scene(8, 8, 2, math.nan), None),
    (draw_delta_scene, describe_delta_scene, delta_scene_tables, scene(400, 300, 8), None),
    (draw_delta_scene, describe_delta_scene, delta_scene_tables, full_scene(128, 96, 64), None),
    (draw_spectrum, describe_spectrum, spectrum_tables, spectra(), "singular value"),
    (draw_spectrum, describe_spectrum, spectrum_tables, spectra([1.0]), "singular value"),
    (draw_spectrum, describe_spectrum, spectrum_tables, spectra([3.0, math.nan, 1.0], [2.0]), "singular value"),
    (draw_spectrum, describe_spectrum, spectrum_tables, spectra([0.9**k for k in range(64)], [0.5**k for k in range(8)]), "singular value"),
    (draw_loss_curve, describe_loss_curve, loss_curve_table, get_loss_curve_info([], [], 24, LABEL), "loss (nats a token)"),
    (draw_loss_curve, describe_loss_curve, loss_curve_table, get_loss_curve_info([1], [2.0], 24, LABEL), "loss (nats a token)"),
    (draw_loss_curve, describe_loss_curve, loss_curve_table, get_loss_curve_info([1, 2], [math.nan] * 2, 2, LABEL), "loss (nats a token)"),
    (
        draw_loss_curve,
        describe_loss_curve,
        loss_curve_table,
        get_loss_curve_info(range(1, 5001), [1.0] * 5000, 9, LABEL),
        "loss (nats a token)",
    ),
    (draw_loss_lines, describe_loss_lines, loss_lines_table, get_loss_lines_info([], LABEL), "loss"),
    (draw_loss_lines, describe_loss_lines, loss_lines_table, get_loss_lines_info([("a", [1], [math.nan])], LABEL), "loss"),
    (
        draw_loss_lines,
        describe_loss_lines,
        loss_lines_table,
        get_loss_lines_info([(str(n), range(500), [1.0] * 500) for n in range(9)], LABEL),
        "loss",
    ),
    (draw_learning_curve, describe_learning_curve, learning_curve_table, get_learning_curve_info([], LABEL), "prompts (%)"),
    (
        draw_learning_curve,
        describe_learning_curve,
        learning_curve_table,
        get_learning_curve_info([(0, 0.0, None, None)], LABEL),
        "prompts (%)",
    ),
    (
        draw_learning_curve,
        describe_learning_curve,
        learning_curve_table,
        get_learning_curve_info([(i, i / 99, math.nan, i / 1e4) for i in range(100)], LABEL),
        "prompts (%)",
    ),
]


@pytest.mark.parametrize(("draw", "describe", "tables", "info", "y_title"), CASES)
def test_every_drawer_takes_every_case(draw, describe, tables, info, y_title: str | None) -> None:
    figure = draw(info)
    drawn = json.loads(figure.to_json())
    has_label = not (draw is draw_spectrum and not info.spectra)
    assert ("recorded · 22 Nov 2026 · seed 0" in figure.layout.title.text) == has_label
    assert drawn["layout"]["meta"]["kind"] in ("recorded", "illustration")
    if y_title:
        assert figure.layout.yaxis.title.text == y_title
    assert describe(info).endswith(".")
    found = tables(info)
    for table in found if isinstance(found, tuple) and not hasattr(found, "header") else (found,):
        assert table.caption and all(len(row) == len(table.header) for row in table.rows)


# Labels


@given(st.text(max_size=20))
def test_label_takes_three_kinds_only(kind: str) -> None:
    if kind in ("live", "recorded", "illustration"):
        assert truth_label(kind).kind == kind
    else:
        with pytest.raises(ValueError, match="is not one of live, recorded, illustration"):
            truth_label(kind)


def test_label_says_kind_day_and_seed() -> None:
    assert truth_label("live", "2026-11-02T08:00:00", 7).text == "live · 2 Nov 2026 · seed 7"
    assert TruthLabel("illustration").text == "illustration"


def test_short_names() -> None:
    assert short_name("model.layers.15.self_attn.q_proj") == "layer 15 · q_proj"
    assert short_name("lm_head") == "lm_head"
