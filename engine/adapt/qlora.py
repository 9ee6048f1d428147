"""QLoRA: keep the frozen weights in four bits and train LoRA beside them. Dettmers et al. 2023, arXiv 2305.14314, §3, Eq. 5."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from engine.adapt.four_bit import block_linears, pack
from engine.adapt.kinds import Matrix
from engine.adapt.lora import LoRA
from engine.adapt.outlier import stretch_channels
from engine.adapt.pissa import swapped
from engine.contracts import RunSpec


class QLoRA:
    """Every linear layer of the blocks is packed, whether an adapter stands beside it or not; embeddings and norms are not.

    The base of a QLoRA run is the packed model. What packing itself did to W is no ΔW, and is looked at in training/quantization.py.
    """

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        if spec.fault == "outlier":
            stretch_channels(model)
        linears = block_linears(model)
        self._lora = LoRA(model, spec)  # first, so that PiSSA splits the exact W; packing then rounds what is left of it
        self.model = self._lora.model
        pack(self.model, linears, spec)
        self._lora.whole.clear()
        for layer in self._lora.layers.values():
            if layer.lora_magnitude_vector:  # DoRA's lengths are those of the rows as they now are
                measure_lengths(layer)
        self._start = [(p, p.detach().clone()) for p in self.trainable()] if spec.init == "pissa" else []

    def trainable(self) -> list[torch.Tensor]:
        return self._lora.trainable()

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: the model holds the very tensors that the optimizer moves."""

    @contextmanager
    def as_base(self) -> Iterator[None]:
        """The packed base: adapters off, or, where PiSSA moved a part of W into them, as they were before training."""
        with swapped(self._start) if self._start else self._lora.as_base():
            yield

    def matrices(self) -> Iterator[Matrix]:
        """ΔW from the packed base; `weight` is what the four bits stand for."""
        return self._lora.matrices()

    def save(self, folder: Path) -> None:
        self._lora.save(folder)


@torch.no_grad()
def measure_lengths(layer) -> None:
    """Set the magnitudes of a DoRA layer to the lengths of the rows of W + s B A."""
    s, A, B = layer.scaling["default"], layer.lora_A["default"].weight, layer.lora_B["default"].weight
    rows = layer.get_base_layer().weight.float() + s * B @ A
    layer.lora_magnitude_vector["default"].weight.copy_(rows.norm(dim=1))
