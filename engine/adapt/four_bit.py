"""Frozen weights in four bits: a level out of 16 for each weight, a scale for each block of weights.

Dettmers et al. 2023, arXiv 2305.14314, §3. bitsandbytes packs and unpacks; its own layer is not used, since on a CPU it repacks
itself for inference, loses the nested scales and rounds the others to bf16.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from bitsandbytes.functional import QuantState, dequantize_4bit, quantize_4bit
from torch import nn

from engine.adapt.kinds import HEADS
from engine.contracts import RunSpec, SpecError


class FourBitLinear(nn.Module):
    """y = x Wᵀ + bias, with W (out, in) kept packed and unpacked for each product. Nothing of it trains."""

    def __init__(self, linear: nn.Linear, quant: str, block_size: int, double_quant: bool) -> None:
        super().__init__()
        self.out_features, self.in_features = linear.weight.shape
        self.bias = linear.bias
        rows = in_blocks(linear.weight.detach(), block_size)
        self.packed, self.state = quantize_4bit(rows, blocksize=block_size, compress_statistics=double_quant, quant_type=quant)

    dense: torch.Tensor | None = None
    """(out, in): what is computed with in place of the unpacked W, where someone has put it here for a while."""
    packed: torch.Tensor
    """(out x in / 2, 1), uint8: two weights a byte."""
    state: QuantState
    """Scales (fp32, or 8 bits with scales and an offset of their own) and levels; its shape is that of `in_blocks`."""

    @property
    def weight(self) -> torch.Tensor:
        """W unpacked: level times scale, (out, in), in the dtype that it had."""
        if self.dense is not None:
            return self.dense
        return dequantize_4bit(self.packed, self.state).view(self.out_features, self.in_features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return FrozenProduct.apply(x, self)


class FrozenProduct(torch.autograd.Function):
    """x Wᵀ + bias of a frozen layer. W is unpacked once more in the backward pass, so that no unpacked copy waits for it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, base: FourBitLinear) -> torch.Tensor:
        ctx.base = base
        return nn.functional.linear(x, base.weight, base.bias)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        return grads[0] @ ctx.base.weight, None


@contextmanager
def unpacked(model: nn.Module) -> Iterator[None]:
    """Inside this context the packed layers on a CPU stay unpacked: there, unpacking for each token of a text costs more than the products.

    Takes 2 or 4 bytes a weight for so long. A GPU unpacks fast, and its memory is what QLoRA is for, so nothing changes there.
    """
    layers = [m for m in model.modules() if isinstance(m, FourBitLinear) and m.dense is None and m.packed.device.type == "cpu"]
    try:
        for layer in layers:
            layer.dense = layer.weight
        yield
    finally:
        for layer in layers:
            layer.dense = None


def in_blocks(weight: torch.Tensor, block_size: int) -> torch.Tensor:
    """A weight as rows of one block each, or as a single row where the last block is short; the packed bytes are the same.

    On processors with AVX-512, bitsandbytes 0.50 takes a wrong scale where a row ends inside a block (csrc/cpu_ops.cpp counts whole blocks a row).
    """
    return weight.reshape(-1, block_size) if weight.numel() % block_size == 0 else weight.reshape(1, -1)


def block_linears(model: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of a model's blocks by name, which is all but the output layer."""
    return {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear) and not name.endswith(HEADS)}


def pack(model: nn.Module, linears: dict[str, nn.Linear], spec: RunSpec) -> None:
    """Put a `FourBitLinear` in the place of each of these layers, wherever they now hang in the model.

    Raises:
        SpecError: There is none, or a matrix has an odd number of inputs: two weights share a byte. All such are named.
    """
    odd = [f"{name} ({m.out_features} x {m.in_features})" for name, m in linears.items() if m.in_features % 2]
    if odd or not linears:
        what = f"{', '.join(odd[:4])} cannot be packed two weights to a byte" if odd else "this model has no linear layer in its blocks"
        raise SpecError(f"method=qlora: {what}; use method=lora")
    wanted = {id(linear) for linear in linears.values()}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if id(child) in wanted:
                setattr(parent, name, FourBitLinear(child, spec.quant, spec.block_size, spec.double_quant))
