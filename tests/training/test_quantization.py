"""Opening packed weights, against bitsandbytes and against the arithmetic written out; what an outlier and packing itself cost."""

import numpy as np
import pytest
import torch
from bitsandbytes.functional import get_4bit_type
from torch import nn

from engine.adapt.four_bit import FourBitLinear
from engine.models import load
from engine.training.quantization import base_difference, open_packed, outlier_effect, packing_error
from tests.adapt.variants import variant_spec
from viz.codes import CODES, quantize


def layer_of(weight: torch.Tensor, quant="nf4", block_size=64, double_quant=False) -> FourBitLinear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight.data = weight
    return FourBitLinear(linear, quant, block_size, double_quant)


@pytest.mark.parametrize("double_quant", [False, True])
@pytest.mark.parametrize("block_size", [64, 512])
@pytest.mark.parametrize("quant", ["nf4", "fp4"])
@pytest.mark.parametrize("shape", [(48, 128), (192, 192), (5, 6)])
def test_levels_times_scales_are_the_unpacked_weights(shape, quant, block_size, double_quant):
    torch.manual_seed(0)
    weight = torch.randn(shape)
    layer = layer_of(weight, quant, block_size, double_quant)
    opened = open_packed(layer)
    assert torch.equal(opened.levels, get_4bit_type(quant, device="cpu"))
    np.testing.assert_allclose(np.unique(opened.levels.numpy()), CODES[quant.upper()], atol=1e-6)
    by_hand = opened.levels[opened.codes.long()].flatten() * opened.scales.repeat_interleave(block_size)[: weight.numel()]
    assert torch.equal(by_hand.view(shape), layer.weight)
    if not double_quant:
        blocks = weight.flatten().split(block_size)
        assert torch.equal(opened.scales, torch.stack([block.abs().max() for block in blocks]))
    if not double_quant and weight.numel() % block_size == 0:
        restored = quantize(weight.numpy(), quant.upper(), block_size).restored
        np.testing.assert_allclose(restored, layer.weight.numpy(), atol=1e-6)


def test_bits_a_weight():
    """4 + 32 / 64 without and 4 + 8 / 64 + 32 / (64 x 256) with double quantization, and one fp32 mean for the matrix."""
    weight = torch.randn(256, 512)
    assert open_packed(layer_of(weight)).bits == 4.5
    assert open_packed(layer_of(weight, double_quant=True)).bits == pytest.approx(4.126953125 + 32 / weight.numel(), abs=1e-9)


@pytest.mark.parametrize("quant", ["nf4", "fp4"])
def test_packing_error_equals_numpy_and_stays_within_half_the_widest_gap(quant):
    torch.manual_seed(0)
    weight = torch.randn(48, 44)
    layer = layer_of(weight, quant)
    found, back = packing_error(weight, layer), layer.weight.numpy()
    difference = (back - weight.numpy()).ravel()
    assert found.relative == pytest.approx(np.linalg.norm(difference) / np.linalg.norm(weight.numpy()), rel=1e-5)
    by_block = [np.sqrt(np.mean(part**2)) for part in np.split(difference, range(64, difference.size, 64))]
    np.testing.assert_allclose(found.blocks.numpy(), by_block, rtol=1e-4)
    half_gap = np.diff(CODES[quant.upper()]).max() / 2
    assert 0.9 * half_gap < found.worst <= half_gap + 1e-6
    assert float(found.used.sum()) == pytest.approx(1)


def test_normal_weights_suit_nf4_better_than_fp4_and_small_blocks_better_than_large():
    torch.manual_seed(0)
    weight = torch.randn(192, 192)
    relative = {(q, b): packing_error(weight, layer_of(weight, q, b)).relative for q in ("nf4", "fp4") for b in (64, 512)}
    assert relative["nf4", 64] < relative["nf4", 512] < relative["fp4", 512]
    assert relative["nf4", 64] < relative["fp4", 64]


def test_an_outlier_takes_the_levels_away_from_its_block():
    torch.manual_seed(0)
    block = torch.randn(64)
    rows = outlier_effect(block, [1, 4, 16, 64])
    assert [row.scale for row in rows] == pytest.approx([float(block.abs().max()) * f for f in (1, 4, 16, 64)])
    assert [row.others for row in rows] == sorted(row.others for row in rows)
    assert rows[0].others < 0.12 and rows[-1].others == 1.0 and rows[-1].zeros == 1.0  # all others are rounded to 0


def test_what_packing_alone_costs_a_model():
    coarse, fine = (base_difference(variant_spec("plain", "qlora", quant=q, block_size=b)) for q, b in (("fp4", 512), ("nf4", 64)))
    assert fine.whole_loss == coarse.whole_loss
    assert 0 < fine.kl < coarse.kl
    assert fine.packed_loss > fine.whole_loss and coarse.packed_loss > coarse.whole_loss
    assert len(fine.errors) == 21 and all(0.05 < error < 0.12 for error in fine.errors.values())
    weight = load("nano-0.1m")[0].model.layers[0].self_attn.q_proj.weight.detach()
    layer = layer_of(weight, double_quant=True)
    assert fine.errors["model.layers.0.self_attn.q_proj"] == pytest.approx(packing_error(weight, layer).relative)
