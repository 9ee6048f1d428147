"""Classification: read the hidden states of a prompt with a linear layer, and make its label likely."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from engine.adapt import Adaptation, FrozenBackbone
from engine.contracts import Event, Phase, RunError, RunSpec
from engine.objectives.features import look_up, pooled
from engine.objectives.kinds import Loss
from engine.objectives.rows import Row, collate, draw_groups, make_rows
from engine.tasks import Example, Task


class Group(NamedTuple):
    """Training examples of one step."""

    indices: list[int]
    tokens: int


class Classify:
    """p(label | x) = softmax(W h(x)): W (labels, d) in fp32 starts at zero, so that every label is as likely as the next."""

    def __init__(self, adaptation: Adaptation, tokenizer, task: Task, spec: RunSpec) -> None:
        self.adaptation, self.tokenizer, self.spec = adaptation, tokenizer, spec
        self.task, model = task, adaptation.model
        train = task.train[: spec.examples]
        self.labels = list(dict.fromkeys(example.answer for example in train))
        self.rows, self.targets = self.read(train), self.number(train)
        self.number(task.heldout)  # a label that is never seen is said before anything is trained
        self.classifier = nn.Linear(model.config.hidden_size, len(self.labels), bias=False, device=model.device)
        nn.init.zeros_(self.classifier.weight)
        self.kept: dict[tuple[int, ...], torch.Tensor] = {}
        if isinstance(adaptation, FrozenBackbone):
            adaptation.carry("classifier", self.classifier)

    def read(self, examples: Sequence[Example]) -> list[Row]:
        """The prompts as token ids. Raises RunError when one is longer than the model's context."""
        rows = make_rows(self.tokenizer, examples, self.adaptation.model)
        return [Row(row.ids[: -row.answer_tokens], 0) for row in rows]

    def number(self, examples: Sequence[Example]) -> torch.Tensor:
        """The index of each example's label, (n,). Raises RunError for a label that no training example has."""
        unseen = sorted({example.answer for example in examples} - set(self.labels))
        if unseen:
            raise RunError(
                f"The label {unseen[0]!r} is asked for and never trained on: the {len(self.rows)} training examples have {self.labels}.",
                "Raise examples until every label is among them.",
            )
        return torch.tensor([self.labels.index(example.answer) for example in examples], device=self.adaptation.model.device)

    def prepare(self) -> Iterable[Event]:
        """With a frozen backbone the features of all prompts are computed here, once."""
        if isinstance(self.adaptation, FrozenBackbone):
            rows = self.rows + self.read(self.task.heldout)
            yield Phase("preparing", f"the features of {len(rows)} prompts, once for all steps")
            features = self.look_up(rows)
            self.kept = {tuple(row.ids): feature for row, feature in zip(rows, features, strict=True)}

    def features(self, rows: Sequence[Row]) -> torch.Tensor:
        """(n, d): kept ones where there are any, else from the model as it stands."""
        if self.kept:
            return torch.stack([self.kept[tuple(row.ids)] for row in rows])
        model = self.adaptation.model
        return pooled(model, collate(rows, self.tokenizer.pad_token_id, str(model.device)), self.spec.pooling or "last")

    @torch.no_grad()
    def logits(self, examples: Sequence[Example]) -> torch.Tensor:
        """(n, labels) of any number of examples, without gradients."""
        rows = self.read(examples)
        return self.classifier(self.features(rows) if self.kept else self.look_up(rows))

    def look_up(self, rows: Sequence[Row]) -> torch.Tensor:
        return look_up(self.adaptation.model, rows, self.tokenizer.pad_token_id, self.spec.pooling or "last")

    def trainable(self) -> list[torch.Tensor]:
        return [self.classifier.weight]

    def batches(self) -> Iterator[Group]:
        lengths = [len(row.ids) for row in self.rows]
        for indices in draw_groups(lengths, self.spec.micro_batch, self.spec.steps, self.spec.seed):
            yield Group(indices, sum(lengths[i] for i in indices))

    def loss(self, batch: Group) -> Loss:
        """Mean cross-entropy, nats; `accuracy`: share of the batch whose likeliest label is right."""
        logits, targets = self.classifier(self.features([self.rows[i] for i in batch.indices])), self.targets[batch.indices]
        return Loss(F.cross_entropy(logits, targets), {"accuracy": float((logits.argmax(1) == targets).float().mean())})

    @contextmanager
    def as_base(self) -> Iterator[None]:
        """The model as it was, and W = 0: every prompt gets the first label."""
        learned = self.classifier.weight.data
        self.classifier.weight.data = torch.zeros_like(learned)
        try:
            with self.adaptation.as_base():
                yield
        finally:
            self.classifier.weight.data = learned

    def answers(self, examples: Sequence[Example]) -> list[str]:
        """The word of the likeliest label."""
        return [self.labels[i] for i in self.logits(examples).argmax(1).tolist()]

    def heldout_loss(self, examples: Sequence[Example]) -> float:
        return F.cross_entropy(self.logits(examples), self.number(examples)).item()

    def measures(self, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        """`head/`: W as `score.weight`, the name that transformers' sequence classifiers give it, the labels and the pooling."""
        (folder / "head").mkdir()
        save_file({"score.weight": self.classifier.weight.detach().cpu()}, folder / "head" / "head.safetensors")
        (folder / "head" / "head.json").write_text(json.dumps({"labels": self.labels, "pooling": self.spec.pooling}))
