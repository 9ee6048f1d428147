"""Supervised fine-tuning: make the answer likely, token by token, given the prompt before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from engine.adapt import Adaptation
from engine.contracts import Event, Phase, RunSpec
from engine.objectives.answers import answers, loss_on
from engine.objectives.kinds import Loss
from engine.objectives.rehearse import mixed, old_rows
from engine.objectives.rows import IGNORE, Batch, answer_logits, batches, collate, make_rows
from engine.tasks import Example, Task


def sft_loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy over answer tokens, nats; prompt and padding carry no loss.

    Args:
        model: A causal language model.
        batch: Token ids (b, s) and labels (b, s), -100 where there is no loss.
    """
    logits, labels = answer_logits(model, batch)
    return F.cross_entropy(logits.float(), labels)


class SFT:
    """Imitate the task's answers. Metrics of a step: `loss_tokens`, tokens of the batch that carry loss."""

    def __init__(self, adaptation: Adaptation, tokenizer, task: Task, spec: RunSpec) -> None:
        self.adaptation, self.tokenizer, self.task, self.spec = adaptation, tokenizer, task, spec
        self.rows = make_rows(tokenizer, task.drawn(spec.examples, spec.task_types), adaptation.model, spec.fault)

    def prepare(self) -> Iterable[Event]:
        if self.spec.rehearsal:
            yield Phase("preparing", "old data to rehearse")
            self.old = old_rows(self.adaptation, self.tokenizer, self.task.models, self.spec)

    def trainable(self) -> list[torch.Tensor]:
        return []

    def batches(self) -> Iterator[Batch]:
        spec, pad_id, device = self.spec, self.tokenizer.pad_token_id, str(self.adaptation.model.device)
        if spec.rehearsal:
            return (collate(rows, pad_id, device) for rows in mixed(self.rows, self.old, spec))
        return batches(self.rows, spec.micro_batch, spec.steps, spec.seed, pad_id, device)

    def loss(self, batch: Batch) -> Loss:
        with_loss = int((batch.labels[:, 1:] != IGNORE).sum())
        return Loss(sft_loss(self.adaptation.model, batch), {"loss_tokens": with_loss})

    def as_base(self) -> AbstractContextManager[None]:
        return self.adaptation.as_base()

    def answers(self, examples: Sequence[Example]) -> list[str]:
        return answers(self.adaptation.model, self.tokenizer, examples, self.task.max_new_tokens)

    def heldout_loss(self, examples: Sequence[Example]) -> float:
        rows = make_rows(self.tokenizer, examples, self.adaptation.model)
        return loss_on(self.adaptation.model, rows, self.tokenizer.pad_token_id)

    def measures(self, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
        """For a mixture, the score of each type of task: `score_<type>`, shares of its held-out prompts."""
        passed: dict[str, list[bool]] = {}
        for example, answer in zip(examples, said, strict=True):
            if example.kind:
                passed.setdefault(f"score_{example.kind}", []).append(self.task.score(example, answer))
        return {name: sum(good) / len(good) for name, good in passed.items()}

    def save(self, folder: Path) -> None:
        """Nothing of its own."""
