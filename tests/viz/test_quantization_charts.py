"""4-bit pictures: every number against bitsandbytes' own, and the sums by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from viz.codes import BLOCK, CODES, DYNAMIC8, bits_per_weight, double_quantize, quantize
from viz.double_quantization import (
    describe_double_quantization,
    double_quantization_tables,
    draw_double_quantization,
    get_double_quantization_info,
)
from viz.error_surface import describe_error_surface, draw_error_surface, error_surface_tables, get_error_surface_info
from viz.label import truth_label
from viz.nf4_block import describe_nf4_block, draw_nf4_block, get_nf4_block_info, nf4_block_tables
from viz.nf4_levels import describe_nf4_levels, draw_nf4_levels, get_nf4_levels_info, nf4_levels_tables

LABEL = truth_label("recorded", "2026-11-22")
WEIGHTS = (np.random.default_rng(0).normal(size=(96, 576)) * 0.2).astype(np.float32)


@pytest.fixture(scope="module")
def bnb():
    import bitsandbytes.functional as functional

    return functional


def test_levels_are_bitsandbytes(bnb) -> None:
    np.testing.assert_allclose(CODES["NF4"], bnb.get_4bit_type("nf4", device="cpu").numpy(), atol=2e-7)
    np.testing.assert_allclose(CODES["FP4"], np.unique(bnb.get_4bit_type("fp4", device="cpu").numpy()), atol=2e-7)
    np.testing.assert_allclose(DYNAMIC8, bnb.create_dynamic_map().numpy(), atol=2e-7)
    assert len(CODES["NF4"]) == 16 and CODES["NF4"][7] == 0 and len(CODES["INT4"]) == 15


@pytest.mark.parametrize("code", ["NF4", "FP4"])
def test_blocks_are_bitsandbytes(bnb, code: str) -> None:
    import torch

    packed, state = bnb.quantize_4bit(torch.tensor(WEIGHTS), blocksize=BLOCK, quant_type=code.lower())
    theirs = bnb.dequantize_4bit(packed, state).numpy()
    ours = quantize(WEIGHTS, code)
    np.testing.assert_allclose(ours.absmax, state.absmax.float().numpy().ravel(), rtol=1e-6)
    same = np.isclose(ours.restored, theirs, atol=1e-6)
    assert same.mean() > 0.9995, "ties and the last bit of a threshold apart"


def test_double_quantization_is_bitsandbytes(bnb) -> None:
    import torch

    absmax = quantize(WEIGHTS).absmax
    _, state = bnb.quantize_4bit(torch.tensor(WEIGHTS), blocksize=BLOCK, quant_type="nf4", compress_statistics=True)
    theirs = (bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset).numpy()
    np.testing.assert_allclose(double_quantize(absmax), theirs, atol=1e-5)
    assert (bits_per_weight(False), round(bits_per_weight(True), 3)) == (4.5, 4.127)


def test_levels_chart_counts_every_weight() -> None:
    info = get_nf4_levels_info(WEIGHTS, LABEL)
    assert [c.code for c in info.codes] == ["NF4", "FP4", "INT4"]
    assert all(sum(c.shares) == pytest.approx(1) for c in info.codes)
    assert np.sum(np.array(info.density) * np.diff(info.edges)) == pytest.approx(1)
    evenness = {c.code: float(np.std(c.shares)) for c in info.codes}
    assert min(evenness, key=evenness.get) == "NF4", "on normal weights NF4's levels are the most evenly used"
    assert [t.meta for t in draw_nf4_levels(info).data] == ["weights", "normal", "NF4", "FP4", "INT4"]


def test_an_outlier_costs_the_others_their_levels() -> None:
    info = get_nf4_block_info(WEIGHTS[0, :64], LABEL)
    errors = [state.error_of_others for state in info.states]
    assert errors[-1] > 3 * errors[0] and info.states[-1].levels_used < info.states[0].levels_used
    np.testing.assert_allclose(info.states[0].weights, WEIGHTS[0, :64])
    assert info.states[3].absmax == pytest.approx(3 * np.abs(WEIGHTS[0, :64]).max())
    figure = draw_nf4_block(info)
    assert [frame.name for frame in figure.frames][:2] == ["as it is", "1.5 times"]
    np.testing.assert_allclose(figure.data[1].y, info.states[0].restored)
    with pytest.raises(ValueError, match="block holds 63 weights"):
        get_nf4_block_info(WEIGHTS[0, :63], LABEL)


def test_error_surfaces_share_one_scale_and_nf4_wins_on_normal_weights() -> None:
    info = get_error_surface_info(WEIGHTS, "m", LABEL)
    by_code = {code.code: code.relative for code in info.codes}
    assert by_code["NF4"] < by_code["INT4"] < by_code["FP4"]
    np.testing.assert_allclose(info.codes[0].shown, np.abs(quantize(WEIGHTS).restored - WEIGHTS)[:64, :64])
    figure = draw_error_surface(info)
    assert len({(t.cmin, t.cmax) for t in figure.data}) == 1 and figure.data[1].x[0] > figure.data[0].x[-1]
    with pytest.raises(ValueError, match="100 weights do not fill blocks of 64"):
        get_error_surface_info(np.ones((10, 10)), "m", LABEL)


def test_another_square_of_the_matrix_is_shown_with_its_own_errors() -> None:
    weights = np.random.default_rng(1).normal(size=(128, 192)).astype(np.float32)
    whole = np.abs(quantize(weights, "NF4").restored - weights)
    info = get_error_surface_info(weights, "m", LABEL, (64, 128))
    np.testing.assert_array_equal(info.codes[0].shown, whole[64:, 128:])
    drawn = draw_error_surface(info).data[0]
    assert (drawn.y[0], drawn.customdata[0][0]) == (64, 128)
    assert "rows 64 to 127 and columns 128 to 191" in describe_error_surface(info)


def test_second_level_costs_next_to_nothing() -> None:
    info = get_double_quantization_info(WEIGHTS, "m", LABEL)
    assert info.blocks == 864 and len(info.constants) == 256
    assert info.error_single < info.error_double < 1.02 * info.error_single
    assert "0.127" in describe_double_quantization(info)


@pytest.mark.parametrize("weights", [WEIGHTS, np.zeros((2, 64)), np.full((1, 64), 1e-30)], ids=["normal", "zeros", "tiny"])
def test_every_drawer_takes_awkward_weights(weights) -> None:
    for get, draw, words, tables in (
        (lambda w: get_nf4_levels_info(w, LABEL), draw_nf4_levels, describe_nf4_levels, nf4_levels_tables),
        (lambda w: get_nf4_block_info(w.ravel()[:64], LABEL), draw_nf4_block, describe_nf4_block, nf4_block_tables),
        (lambda w: get_error_surface_info(w, "m", LABEL), draw_error_surface, describe_error_surface, error_surface_tables),
        (
            lambda w: get_double_quantization_info(w, "m", LABEL),
            draw_double_quantization,
            describe_double_quantization,
            double_quantization_tables,
        ),
    ):
        info = get(weights)
        assert json.loads(draw(info).to_json())["layout"]["meta"]["kind"] == "recorded"
        assert "nan" not in words(info).lower()
        assert all(len(row) == len(table.header) for table in tables(info) for row in table.rows)
