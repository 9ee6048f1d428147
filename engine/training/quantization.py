"""Looking into packed weights: which level each weight became, what each block's scale is, and what rounding cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from bitsandbytes.functional import dequantize_4bit, dequantize_blockwise, quantize_4bit
from torch import nn

from engine.adapt.four_bit import FourBitLinear, block_linears, pack
from engine.contracts import RunSpec
from engine.models import load
from engine.objectives.rows import answer_logits, collate, make_rows
from engine.tasks import load as load_task


class Opened(NamedTuple):
    """A packed matrix, opened: W = levels[codes] x its block's scale."""

    codes: torch.Tensor
    """(out, in), uint8: which of the levels."""
    levels: torch.Tensor
    """(16,), fp32, in the order that the codes count."""
    scales: torch.Tensor
    """(blocks,), fp32: the largest magnitude in each block of the flattened matrix; where they are packed too, as they come back."""
    bits: float
    """Bits a weight, scales and scales of scales included."""


def open_packed(layer: FourBitLinear) -> Opened:
    """Read a packed layer's codes and scales; bitsandbytes keeps the earlier of two weights in a byte's upper half."""
    state, packed = layer.state, layer.packed.reshape(-1)
    codes = torch.stack([packed >> 4, packed & 15], dim=1).view(layer.out_features, layer.in_features)
    held = packed.nbytes + state.absmax.nbytes
    scales = state.absmax
    if state.nested:
        held += state.state2.absmax.nbytes + state.offset.nbytes
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
    return Opened(codes, state.code.float(), scales.float(), 8 * held / codes.numel())


class PackingError(NamedTuple):
    """What rounding to 16 levels did to one matrix."""

    relative: float
    """‖Q(W) - W‖ / ‖W‖, Frobenius."""
    worst: float
    """Largest change of a weight, in units of its block's scale; half the widest gap between levels at the most, if scales are exact."""
    blocks: torch.Tensor
    """(blocks,): root mean square change in each block; the last one may be shorter."""
    used: torch.Tensor
    """(16,): share of the weights at each level, in the order of the codes."""


def packing_error(weight: torch.Tensor, layer: FourBitLinear) -> PackingError:
    """Compare a packed layer with the weight (out, in) that went into it."""
    opened, size = open_packed(layer), layer.state.blocksize
    change = (layer.weight.float() - weight.float()).flatten()
    short = -len(change) % size
    by_block = F.pad(change, (0, short)).view(-1, size)
    counts = torch.full((len(by_block),), float(size))
    counts[-1] -= short
    worst = float((by_block.abs().amax(1) / opened.scales.clamp(min=1e-30)).max())
    used = torch.bincount(opened.codes.flatten().int(), minlength=16) / opened.codes.numel()
    relative = float(change.norm() / weight.float().norm())
    return PackingError(relative, worst, (by_block.square().sum(1) / counts).sqrt(), used)


class OutlierRow(NamedTuple):
    """One block with its largest weight made larger."""

    factor: float
    scale: float
    """The block's scale: it follows the one large weight."""
    others: float
    """Relative error ‖Q(w) - w‖ / ‖w‖ of all the other weights of the block."""
    zeros: float
    """Share of the other weights that became exactly 0."""


def outlier_effect(block: torch.Tensor, factors: Sequence[float], quant: str = "nf4") -> list[OutlierRow]:
    """Multiply the largest weight of a block (n,) by each factor, pack the block and see what becomes of the others."""
    at = int(block.abs().argmax())
    others = torch.arange(len(block)) != at
    rows = []
    for factor in factors:
        changed = block.float().clone()
        changed[at] *= factor
        packed, state = quantize_4bit(changed, blocksize=-(-len(block) // 64) * 64, quant_type=quant)
        back = dequantize_4bit(packed, state).flatten()
        relative = float((back - changed)[others].norm() / changed[others].norm())
        rows.append(OutlierRow(float(factor), float(state.absmax[0]), relative, float((back[others] == 0).float().mean())))
    return rows


class BaseDifference(NamedTuple):
    """What packing alone did to a model, before anything was trained, on a task's held-out answers."""

    whole_loss: float
    """Nats per answer token with the weights as they were loaded."""
    packed_loss: float
    kl: float
    """Mean over answer tokens of KL(packed ‖ whole), nats."""
    errors: dict[str, float]
    """Matrix -> ‖Q(W) - W‖ / ‖W‖."""


@torch.no_grad()
def base_difference(spec: RunSpec, dtype: str = "fp32") -> BaseDifference:
    """Load the spec's model, answer with whole weights, pack it as the spec (method qlora) says, and answer again."""
    model, tokenizer = load(spec.model, dtype)
    batch = collate(make_rows(tokenizer, load_task(spec.task).heldout, model), tokenizer.pad_token_id)
    whole, labels = _log_probs(model, batch)
    linears = block_linears(model)
    weights = {name: linear.weight for name, linear in linears.items()}
    pack(model, linears, spec)
    packed, _ = _log_probs(model, batch)
    errors = {name: packing_error(weight, model.get_submodule(name)).relative for name, weight in weights.items()}
    kl = float((packed.exp() * (packed - whole)).sum(-1).mean())
    return BaseDifference(float(F.nll_loss(whole, labels)), float(F.nll_loss(packed, labels)), kl, errors)


def _log_probs(model: nn.Module, batch) -> tuple[torch.Tensor, torch.Tensor]:
    logits, labels = answer_logits(model.eval(), batch)
    return logits.float().log_softmax(-1), labels
