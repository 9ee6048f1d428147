"""LoRA's forward and backward pass in the fewest matrix products and without changes of dtype in between.

PEFT's own forward casts the input of every adapter to fp32 and its output back; on a small model those copies and the
extra sums are a fifth of a step. Here everything is computed in the dtype of the frozen weights, and only the gradients
of A and B come back in fp32, which is where they are kept and where the optimizer moves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import nn

from engine.adapt.four_bit import FourBitLinear


class LowRankLinear(torch.autograd.Function):
    """y = x Wᵀ + bias + s (x Aᵀ) Bᵀ. Hu et al. 2021, arXiv 2106.09685, Eq. 3; W and bias get no gradient.

    Shapes: x (..., in), W (out, in), bias (out,) or None, A (r, in), B (out, r); y (..., out).
    W is asked of its layer once more in the backward pass: where it is kept in four bits, no unpacked copy waits for it.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, base: nn.Module, A: torch.Tensor, B: torch.Tensor, s: float):
        flat = x.reshape(-1, x.shape[-1])
        a, b = A.to(x.dtype), (B * s).to(x.dtype)
        thin = flat @ a.T
        y = nn.functional.linear(flat, base.weight, base.bias).addmm_(thin, b.T)
        ctx.save_for_backward(flat, thin, a, b)
        ctx.base, ctx.s, ctx.shape = base, s, x.shape
        return y.view(*x.shape[:-1], y.shape[-1])

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor):
        flat, thin, a, b = ctx.saved_tensors
        g = grads[0].reshape(-1, grads[0].shape[-1])
        g_thin = g @ b
        g_x = (g @ ctx.base.weight).addmm_(g_thin, a).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return g_x, None, (g_thin.T @ flat).float(), (g.T @ thin).float().mul_(ctx.s), None


def fuse(layer: Linear, adapter: str = "default") -> None:
    """Let one of PEFT's LoRA layers compute through `LowRankLinear` while this adapter alone is on; saving and loading stay PEFT's."""
    A, B = layer.lora_A[adapter], layer.lora_B[adapter]
    if type(layer.get_base_layer()) is not nn.Linear or not isinstance(layer.lora_dropout[adapter], nn.Identity) or layer.lora_variant:
        return  # transposed weights, dropout or DoRA: PEFT's own forward
    as_peft_does = layer.forward

    def forward(x: torch.Tensor) -> torch.Tensor:
        if layer.disable_adapters or layer.merged or layer.active_adapters != [adapter]:
            return as_peft_does(x)
        return LowRankLinear.apply(x, layer.get_base_layer(), A.weight, B.weight, layer.scaling[adapter])

    layer.forward = forward


@contextmanager
def merged(model: nn.Module, adapter: str = "default") -> Iterator[None]:
    """Inside this context each LoRA layer computes with W + s B A as one matrix, (out, in) in the dtype of W: for sampling, where every
    token would pay for three products in place of one. In bf16 the sum is rounded, as it is in programs that hand their
    policy to a server for inference. Layers with DoRA stay as they are. Holds a second copy of the matrices for so long.
    """
    layers = [m for m in model.modules() if isinstance(m, Linear) and not m.merged and not m.lora_variant]
    before = [plain_weight(layer.get_base_layer()) for layer in layers]
    try:
        for layer in layers:
            base = layer.get_base_layer()
            with torch.no_grad():
                put_weight(base, (base.weight.float() + layer.get_delta_weight(adapter).float()).to(base.weight.dtype))
            layer.merged_adapters.append(adapter)
        yield
    finally:
        for layer, weight in zip(layers, before, strict=True):
            put_weight(layer.get_base_layer(), weight)
            layer.merged_adapters.clear()


def plain_weight(base: nn.Module) -> torch.Tensor | None:
    return base.dense if isinstance(base, FourBitLinear) else base.weight.data


def put_weight(base: nn.Module, weight: torch.Tensor | None) -> None:
    """Let a frozen layer compute with these numbers; what it keeps packed stays packed."""
    if isinstance(base, FourBitLinear):
        base.dense = weight
    else:
        base.weight.data = weight
