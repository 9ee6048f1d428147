"""What every objective offers to the loop and to those who look at the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch

from engine.adapt import Adaptation
from engine.contracts import Event, RunSpec
from engine.tasks import Example, Task


class Loss(NamedTuple):
    """What one batch came to."""

    value: torch.Tensor
    """Scalar; backward starts here."""
    metrics: dict[str, float]
    """Numbers to show beside the loss; each objective's file says which, with units."""


class Objective(Protocol):
    """One thing to train for; built with the adapted model, its tokenizer, the task and the spec."""

    def __init__(self, adaptation: Adaptation, tokenizer, task: Task, spec: RunSpec) -> None: ...

    def prepare(self) -> Iterable[Event]:
        """Work that is done once before the first step, such as the reference's log-probabilities; says what it does."""
        ...

    def trainable(self) -> list[torch.Tensor]:
        """Parameters of its own, fp32, such as a classifier's; the adaptation's come beside them."""
        ...

    def batches(self) -> Iterator[Any]:
        """One batch for each step, each with its number of `tokens`; drawn lazily, so that a batch may be sampled from the model as it stands."""
        ...

    def loss(self, batch: Any) -> Loss:
        """The loss of one of its batches."""
        ...

    def as_base(self) -> AbstractContextManager[None]:
        """Inside this context the model, and the objective's own parameters, are as they were before training."""
        ...

    def answers(self, examples: Sequence[Example]) -> list[str]:
        """What the model says to each prompt, in order; the task's scorer reads it."""
        ...

    def heldout_loss(self, examples: Sequence[Example]) -> float:
        """The loss on examples that it never trained on, nats."""
        ...

    def measures(self, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
        """Numbers of a look besides score and loss; often none."""
        ...

    def save(self, folder: Path) -> None:
        """Write its own parameters, where it has any, beside the adaptation's."""
        ...
