"""Frozen backbone: no weight of the model moves, and what is learned is a layer that an objective puts on top (a linear probe)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from engine.adapt.kinds import Matrix
from engine.contracts import RunSpec


class FrozenBackbone:
    """Freezes everything. The hidden states of a text are the same at every step, so an objective may compute them once and keep them."""

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        self.model = model.requires_grad_(False)
        self._carried: list[tuple[str, nn.Linear, torch.Tensor]] = []

    def carry(self, name: str, layer: nn.Linear) -> None:
        """Name the layer that an objective trains on top, (out, d), so that its ΔW is looked at like any other."""
        self._carried.append((name, layer, layer.weight.detach().clone()))

    def trainable(self) -> list[torch.Tensor]:
        return []

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: nothing of the model moves."""

    @contextmanager
    def as_base(self) -> Iterator[None]:
        yield

    def matrices(self) -> Iterator[Matrix]:
        for name, layer, before in self._carried:
            yield Matrix(name, before, layer.weight.detach() - before)

    def save(self, folder: Path) -> None:
        """Nothing: the objective saves its layer, and the model is the base."""
