"""What a run holds in memory between two steps, part by part, measured from its tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch

from engine.adapt import Adaptation
from engine.adapt.four_bit import FourBitLinear


class MemoryParts(NamedTuple):
    """Bytes. Every tensor counts once, however many modules share it."""

    frozen: int
    """Frozen weights that are not packed: embeddings, norms, biases; for LoRA all of W."""
    packed: int
    """Frozen weights in four bits, two a byte."""
    scales: int
    """One for each block: fp32, or one byte with double quantization."""
    scales_of_scales: int
    """Double quantization: an fp32 scale for 256 scales, and each matrix's mean scale."""
    codebooks: int
    """The levels that codes stand for, 16 of weights and 256 of scales, in fp32; bitsandbytes keeps them with each matrix."""
    trained: int
    """What the optimizer moves, such as B and A."""
    optimizer: int
    """Its states, step counters and its own scales and codebooks included."""

    @property
    def total(self) -> int:
        return sum(self)


def memory_parts(adaptation: Adaptation, optimizer: torch.optim.Optimizer) -> MemoryParts:
    """Measure an adaptation whose optimizer has stepped at least once; before, it has no states."""
    moved = adaptation.trainable()
    trained_ids = {id(p) for p in moved}
    packed = [m for m in adaptation.model.modules() if isinstance(m, FourBitLinear)]
    nested = [m.state.state2 for m in packed if m.state.nested]
    return MemoryParts(
        frozen=_bytes(p for p in adaptation.model.parameters() if id(p) not in trained_ids),
        packed=_bytes(m.packed for m in packed),
        scales=_bytes(m.state.absmax for m in packed),
        scales_of_scales=_bytes(s.absmax for s in nested) + _bytes(m.state.offset for m in packed if m.state.nested),
        codebooks=_bytes([*(m.state.code for m in packed), *(s.code for s in nested)]),
        trained=_bytes(moved),
        optimizer=_bytes(t for state in optimizer.state.values() for t in state.values() if isinstance(t, torch.Tensor)),
    )


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())
