"""What every adaptation offers to the loop, and the form in which it hands over its ΔW."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import nn

from engine.contracts import RunSpec

HEADS = ("lm_head", "embed_out", "score")
"""Names of output layers, which are no target of "all-linear" and are never packed, as in PEFT and transformers."""


class Factors(NamedTuple):
    """ΔW = B A without ever forming it. The scale alpha / rank is already inside B."""

    B: torch.Tensor
    """(out, r), fp32."""
    A: torch.Tensor
    """(r, in), fp32."""


class Matrix(NamedTuple):
    """One weight matrix that the run could move."""

    name: str
    """Path of the module in the model, such as "model.layers.3.self_attn.q_proj"."""
    weight: torch.Tensor
    """W before training, (out, in), in the dtype of the model."""
    delta: torch.Tensor | Factors
    """ΔW = W after - W before, (out, in) in fp32, or its factors."""


class Adaptation(Protocol):
    """One way to adapt a model; built with the loaded model and the spec."""

    def __init__(self, model: nn.Module, spec: RunSpec) -> None: ...

    @property
    def model(self) -> nn.Module:
        """The causal language model with the adaptation inside."""
        ...

    def trainable(self) -> list[torch.Tensor]:
        """The fp32 tensors that the optimizer moves; their `.grad` is filled by backward."""
        ...

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Called once, so that the adaptation can act after each optimizer step."""
        ...

    def as_base(self) -> AbstractContextManager[None]:
        """Inside this context the model answers as the base does."""
        ...

    def matrices(self) -> Iterator[Matrix]:
        """Every linear matrix that may move, with its ΔW so far."""
        ...

    def save(self, folder: Path) -> None:
        """Write what a program needs to use the tuned model: PEFT's format, or a whole model."""
        ...
