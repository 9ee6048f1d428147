"""QLoRA against PEFT beside bitsandbytes' own values, what it saves, and what it holds in memory, to the byte."""

import math

import peft
import pytest
import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from torch import nn

from engine.adapt.adapters import merged
from engine.adapt.four_bit import FourBitLinear, block_linears, pack
from engine.adapt.outlier import stretch_channels
from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.models import MODELS
from engine.contracts import SpecError
from engine.models import load
from engine.objectives.sft import sft_loss
from engine.planner.families import read_config
from engine.planner.options import read_options
from engine.planner.standing import standing
from engine.training.inspect import reach
from engine.training.loop import make_optimizer
from engine.training.memory import memory_parts
from tests.adapt.test_lora_variants import pefts_own
from tests.adapt.variants import MODEL, VARIANTS, fresh, logits_of, some_batch, trained, variant_spec

QUANTS = [("nf4", 64, True), ("nf4", 64, False), ("fp4", 256, True), ("fp4", 512, False)]


def restored(weight: torch.Tensor, quant: str, block_size: int, double_quant: bool) -> torch.Tensor:
    """W after bitsandbytes has packed and unpacked it, in one row: see `engine.adapt.four_bit.in_blocks`."""
    packed = quantize_4bit(weight.reshape(1, -1), blocksize=block_size, compress_statistics=double_quant, quant_type=quant)
    return dequantize_4bit(*packed).view_as(weight)


@pytest.mark.parametrize(("quant", "block_size", "double_quant"), QUANTS)
@pytest.mark.parametrize("variant", ["plain", "dora"])
def test_loss_and_gradients_equal_pefts_lora_on_the_unpacked_weights(variant, quant, block_size, double_quant):
    spec = variant_spec(variant, "qlora", quant=quant, block_size=block_size, double_quant=double_quant)
    ours, batch = fresh(spec).model, some_batch()
    theirs = pefts_own(spec).get_base_model()
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            if "base_layer" in name:
                p.copy_(restored(p, quant, block_size, double_quant))
        mine = dict(ours.named_parameters())
        for name, p in theirs.named_parameters():
            if "lora_B" in name:
                p.add_(0.02 * torch.randn(p.shape))
            if "magnitude" in name:
                p.copy_(mine[name])  # PEFT measured the rows before they were packed
            elif "lora" in name:
                mine[name].copy_(p)
    losses = [sft_loss(model.train(), batch) for model in (ours, theirs)]
    torch.testing.assert_close(*losses, atol=1e-5, rtol=0)
    for loss in losses:
        loss.backward()
    compared = 0
    for name, p in theirs.named_parameters():
        if p.requires_grad:
            compared += 1
            torch.testing.assert_close(mine[name].grad, p.grad, atol=1e-4 * float(p.grad.abs().max()) + 1e-7, rtol=1e-3)
    assert compared == (42 if variant == "plain" else 63)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_packed_base_is_given_back_and_nothing_frozen_moves(variant):
    spec, batch = variant_spec(variant, "qlora"), some_batch()
    adaptation = trained(spec)
    with adaptation.as_base():
        base = logits_of(adaptation.model, batch)
    untouched = fresh(spec)
    with untouched.as_base():
        assert torch.equal(base, logits_of(untouched.model, batch))
    for (name, one), other in zip(adaptation.model.named_modules(), untouched.model.modules(), strict=True):
        if isinstance(one, FourBitLinear):
            assert torch.equal(one.packed, other.packed), name
    tuned = logits_of(adaptation.model, batch)
    assert (tuned - base).abs().max() > 0.05
    with merged(adaptation):
        torch.testing.assert_close(logits_of(adaptation.model, batch), tuned, atol=1e-4 * float(tuned.abs().max()), rtol=0)


def test_pissa_takes_the_leading_directions_out_before_packing():
    """QPiSSA (Meng et al. 2024, §4): what is packed is the smaller rest, so the start is nearer to W than NF4(W) is."""
    whole, distances = load(MODEL)[0], {}
    for variant in ("plain", "pissa"):
        matrices = list(fresh(variant_spec(variant, "qlora", rank=16)).matrices())
        distances[variant] = sum(float((m.weight - whole.get_submodule(m.name).weight).detach().norm()) ** 2 for m in matrices)
    assert distances["pissa"] < 0.8 * distances["plain"]


@pytest.mark.parametrize("variant", ["plain", "dora", "pissa"])
def test_the_saved_adapter_on_the_packed_and_on_the_unpacked_base(variant, tmp_path):
    """Equal logits where the base is as it was in training; within NF4's own error on the whole weights."""
    spec, batch = variant_spec(variant, "qlora"), some_batch()
    adaptation = trained(spec)
    adaptation.save(tmp_path)
    tuned = logits_of(adaptation.model, batch)
    exact = load(MODEL)[0]
    with torch.no_grad():
        for matrix in adaptation.matrices():
            exact.get_submodule(matrix.name).weight.copy_(matrix.weight)
    loaded = peft.PeftModel.from_pretrained(exact, tmp_path / "adapter")
    torch.testing.assert_close(logits_of(loaded, batch), tuned, atol=2e-4, rtol=1e-4)
    whole = peft.PeftModel.from_pretrained(load(MODEL)[0], tmp_path / "adapter")
    with adaptation.as_base():
        packing = (logits_of(adaptation.model, batch) - logits_of(load(MODEL)[0], batch)).norm()
    apart = (logits_of(whole, batch) - tuned).norm()
    assert 0 < apart < 1.5 * packing
    assert apart < 0.2 * tuned.norm()


@pytest.mark.parametrize(("optimizer", "rank"), [("adamw", 8), ("adamw8bit", 64)])
@pytest.mark.parametrize(("quant", "block_size", "double_quant"), QUANTS)
def test_memory_by_part_equals_the_sum_to_the_byte(quant, block_size, double_quant, optimizer, rank):
    chosen = {"quant": quant, "block_size": block_size, "double_quant": double_quant, "optimizer": optimizer, "rank": rank}
    spec = variant_spec("plain", "qlora", dtype="bf16", **chosen).with_(model="nano-0.5m")
    adaptation = fresh(spec)
    made = make_optimizer(adaptation.trainable(), spec)
    sft_loss(adaptation.model.train(), some_batch()).backward()
    made.step()
    card = MODELS[spec.model]
    shapes = [shape for shape in card.linear_modules.values() for _ in range(4)]
    weights = sum(out * inp for out, inp in shapes)
    blocks = [math.ceil(out * inp / block_size) for out, inp in shapes]
    factors = [size for out, inp in shapes for size in (rank * inp, out * rank)]
    parts = memory_parts(adaptation, made)
    assert parts.frozen == 2 * (card.parameters - weights)
    assert parts.packed == weights / 2
    assert parts.scales == sum(blocks) * (1 if double_quant else 4)
    assert parts.scales_of_scales == (sum(4 * math.ceil(b / 256) + 4 for b in blocks) if double_quant else 0)
    assert parts.codebooks == len(shapes) * 4 * (16 + (256 if double_quant else 0))
    assert parts.trained == 4 * sum(factors)
    if optimizer == "adamw":
        assert parts.optimizer == sum(8 * n + 4 for n in factors)
    else:  # two states of a byte with an fp32 scale for 256 and two shared codebooks; below 4,096 numbers they stay fp32
        small, large = ([n for n in factors if (n < 4096) == smaller] for smaller in (True, False))
        assert large
        assert parts.optimizer == sum(8 * n for n in small) + sum(2 * n + 2 * 4 * math.ceil(n / 256) for n in large) + 2 * 4 * 256
    assert parts.total == sum(parts)


@pytest.mark.parametrize("double_quant", [True, False])
def test_the_calculator_gives_the_same_bytes(double_quant):
    """The calculator leaves out each matrix's mean scale and takes the last block as full: 8 bytes a matrix at the most."""
    spec = variant_spec("plain", "qlora", dtype="bf16", double_quant=double_quant).with_(model="nano-2m", alpha=16, rank=8)
    adaptation = fresh(spec)
    made = make_optimizer(adaptation.trainable(), spec)
    sft_loss(adaptation.model.train(), some_batch()).backward()
    made.step()
    parts, config = memory_parts(adaptation, made), MODELS["nano-2m"].config
    question = {"config": config, "method": "qlora", "weights": "nf4-dq" if double_quant else "nf4", "rank": 8, "targets": "all-linear"}
    terms = standing(read_options({**question, "trainable_dtype": "fp32", "optimizer": "adamw-fused"}), read_config(config)).terms_bytes
    assert terms["weights"] == parts.frozen + parts.packed
    assert terms["adapters"] == parts.trained
    assert 0 <= parts.scales + parts.scales_of_scales - terms["quant_constants"] <= (8 * 28 if double_quant else 0)
    assert 0 <= parts.optimizer - terms["optimizer"] <= 4 * 2 * 28  # a step counter for each tensor


def test_what_cannot_be_packed_is_named():
    model, spec = nn.Sequential(nn.Linear(6, 4), nn.Linear(5, 6)), variant_spec("plain", "qlora")
    with pytest.raises(SpecError, match=r"method=qlora: 1 \(6 x 5\) cannot be packed two weights to a byte; use method=lora"):
        pack(model, block_linears(model), spec)
    empty = nn.Sequential(nn.LayerNorm(4))
    with pytest.raises(SpecError, match="no linear layer in its blocks"):
        pack(empty, block_linears(empty), spec)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_layer_computes_as_a_plain_one_with_its_unpacked_weights(dtype):
    torch.manual_seed(0)
    plain = nn.Linear(48, 32).to(dtype).requires_grad_(False)
    packed = FourBitLinear(plain, "nf4", 64, True)
    assert packed.packed.numel() == 48 * 32 / 2
    plain.weight.copy_(packed.weight)
    one, other = (torch.linspace(-1, 1, 3 * 48).view(3, 48).to(dtype).requires_grad_(True) for _ in range(2))
    assert torch.equal(packed(one), plain(other))
    packed(one).square().sum().backward(), plain(other).square().sum().backward()
    assert torch.equal(one.grad, other.grad)


def test_outliers_change_nothing_in_floating_point_and_half_of_the_packed_weights():
    spec, batch = variant_spec("plain", "qlora", fault="outlier"), some_batch()
    model, plain = load(MODEL)[0], load(MODEL)[0]
    stretch_channels(model)
    assert torch.equal(logits_of(model, batch), logits_of(plain, batch))
    zeros = [reach(fresh(made), made)["packed_zeros"] for made in (spec, spec.with_(fault=None))]
    assert zeros[0] > 0.3 and zeros[1] < 0.12


def test_outliers_are_for_packed_weights_of_blocks_like_llamas():
    with pytest.raises(SpecError, match="fault=outlier is made in weights that get packed"):
        check(default_spec("nano-0.5m", "stories", "lora", fault="outlier"))
    with pytest.raises(SpecError, match="this model has none"):
        stretch_channels(nn.Sequential(nn.Linear(4, 4)))
