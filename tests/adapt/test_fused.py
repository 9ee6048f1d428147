"""The fused LoRA layer against PEFT's own forward: same input, same weights; output and every gradient."""

import peft
import pytest
import torch
from torch import nn

from engine.adapt import METHODS
from engine.adapt.fused import fuse, merged
from engine.catalog.defaults import default_spec
from engine.models import load


def layers(dtype: torch.dtype, bias: bool, dropout: float = 0.0):
    """Two equal LoRA layers, the second one fused; B is not zero, so that A gets a gradient."""
    made = []
    for _ in range(2):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(48, 32, bias=bias).to(dtype))
        config = peft.LoraConfig(r=4, lora_alpha=12, target_modules=["0"], lora_dropout=dropout)
        layer = peft.get_peft_model(model, config).base_model.model[0]
        nn.init.normal_(layer.lora_B["default"].weight, std=0.1)
        made.append(layer)
    fuse(made[1])
    return made


def results(layer, dtype: torch.dtype) -> list[torch.Tensor]:
    torch.manual_seed(1)
    x = torch.randn(3, 7, 48).to(dtype).requires_grad_(True)
    y = layer(x)
    (y.float() * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    return [y.detach(), x.grad, layer.lora_A["default"].weight.grad, layer.lora_B["default"].weight.grad]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_output_and_gradients_equal_pefts(dtype, tolerance, bias):
    plain, fused = layers(dtype, bias)
    for ours, theirs in zip(results(fused, dtype), results(plain, dtype), strict=True):
        assert ours.dtype == theirs.dtype
        scale = theirs.float().abs().max()
        torch.testing.assert_close(ours.float() / scale, theirs.float() / scale, atol=tolerance, rtol=0)


def test_an_adapter_that_is_off_or_merged_computes_as_peft_does():
    plain, fused = layers(torch.float32, True)
    x = torch.randn(5, 48)
    for layer in (plain, fused):
        layer.enable_adapters(False)
    assert torch.equal(fused(x), plain(x))
    for layer in (plain, fused):
        layer.enable_adapters(True)
    fused.merge()
    torch.testing.assert_close(fused(x), plain(x), atol=1e-5, rtol=1e-5)


def test_dropout_stays_with_peft():
    plain, with_dropout = layers(torch.float32, False, dropout=0.5)
    torch.manual_seed(3)
    first = plain.train()(torch.ones(2, 48))
    torch.manual_seed(3)
    assert torch.equal(with_dropout.train()(torch.ones(2, 48)), first)


@pytest.mark.parametrize("variant", [{}, {"init": "pissa"}, {"dora": True}, {"method": "qlora"}])
def test_merged_layers_say_the_same_and_are_left_as_they_were(variant):
    spec = default_spec("nano-0.1m", "stories", **{"method": "lora", **variant})
    model, _ = load(spec.model)
    adaptation = METHODS[spec.method](model, spec)
    for p in adaptation.trainable():
        p.data.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(0)), alpha=0.05)
    ids = torch.arange(12)[None]
    with torch.no_grad():
        before = adaptation.model(ids).logits
        with merged(adaptation.model):
            torch.testing.assert_close(adaptation.model(ids).logits, before, atol=1e-4, rtol=1e-4)
            layers = [m for m in adaptation.model.modules() if isinstance(m, peft.tuners.lora.Linear)]
            assert all(layer.merged for layer in layers) != bool(spec.dora)
        assert torch.equal(adaptation.model(ids).logits, before)
    assert all(p.requires_grad for p in adaptation.trainable())
