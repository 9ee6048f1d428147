"""A reward model: one number for an answer, learned from which of two answers is the better one.

Bradley–Terry: p(better wins) = σ(r(better) - r(worse)). Christiano et al. 2017, arXiv 1706.03741, §2.2.3; Ouyang et al. 2022, 2203.02155, Eq. 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from engine.adapt import Adaptation
from engine.contracts import Event, Phase, RunSpec
from engine.objectives.features import last_hidden
from engine.objectives.kinds import Loss
from engine.objectives.pairs import collate_pairs, draw_pairs, make_pairs, worse_answers
from engine.objectives.rows import Batch, collate
from engine.tasks import Example, Task


def reward_loss(better: torch.Tensor, worse: torch.Tensor) -> torch.Tensor:
    """Mean of -log σ(r(better) - r(worse)) over b pairs, nats; ln 2 for a model that cannot tell."""
    return -F.logsigmoid(better - worse).mean()


class PairBatch(NamedTuple):
    """b pairs: rows (2b, s), the better answers first; features (2b, d) instead of running the model, where nothing in it moves."""

    rows: Batch
    features: torch.Tensor | None

    @property
    def tokens(self) -> int:
        return self.rows.tokens


class Reward:
    """Learn r(answer) = w · h, with h the model's hidden state at the answer's last token. Metrics: `accuracy`, the share of pairs
    ranked rightly, and `margin`, the mean of r(better) - r(worse).
    """

    def __init__(self, adaptation: Adaptation, tokenizer, task: Task, spec: RunSpec) -> None:
        self.adaptation, self.tokenizer, self.task, self.spec = adaptation, tokenizer, task, spec
        d = adaptation.model.config.hidden_size
        self.w = torch.zeros(d, device=adaptation.model.device, requires_grad=True)

    def prepare(self) -> Iterable[Event]:
        parts, examples = (self.adaptation, self.tokenizer), self.task.train[: self.spec.examples]
        yield Phase("preparing", f"the worse answers ({self.spec.pairs})")
        self.pairs = make_pairs(*parts, examples, worse_answers(*parts, self.task, examples, self.spec.pairs))
        worse = worse_answers(*parts, self.task, self.task.heldout, self.spec.pairs)
        self.worse = [said or example.rejected or "" for said, example in zip(worse, self.task.heldout, strict=True)]
        self.heldout = make_pairs(*parts, self.task.heldout, self.worse)
        self.features = [self.look(pair) for pair in self.pairs] if not self.adaptation.trainable() else None

    @torch.no_grad()
    def look(self, pair) -> torch.Tensor:
        """(2, d): the two answers of a pair as the frozen model holds them."""
        model = self.adaptation.model.eval()
        return torch.cat([last_hidden(model, collate([row], self.tokenizer.pad_token_id, str(model.device))) for row in pair])

    def trainable(self) -> list[torch.Tensor]:
        return [self.w]

    def batches(self) -> Iterator[PairBatch]:
        for group in draw_pairs(self.pairs, self.spec):
            rows = collate_pairs([self.pairs[i] for i in group], self.tokenizer.pad_token_id, str(self.w.device))
            kept = torch.stack([self.features[i] for i in group], dim=1).flatten(0, 1) if self.features else None  # (2, b, d) -> (2b, d)
            yield PairBatch(rows, kept)

    def loss(self, batch: PairBatch) -> Loss:
        hidden = batch.features if batch.features is not None else last_hidden(self.adaptation.model, batch.rows)
        better, worse = (hidden @ self.w).chunk(2)
        margin = (better - worse).detach()
        return Loss(reward_loss(better, worse), {"accuracy": (margin > 0).float().mean().item(), "margin": margin.mean().item()})

    @contextmanager
    def as_base(self) -> Iterator[None]:
        learned = self.w.data
        self.w.data = torch.zeros_like(learned)
        try:
            with self.adaptation.as_base():
                yield
        finally:
            self.w.data = learned

    @torch.no_grad()
    def margins(self, count: int) -> list[float]:
        """r(better) - r(worse) of the first held-out pairs."""
        rewards = torch.stack([self.look(pair) @ self.w for pair in self.heldout[:count]])
        return (rewards[:, 0] - rewards[:, 1]).tolist()

    def answers(self, examples: Sequence[Example]) -> list[str]:
        """Of the two answers to each prompt the one with more reward: the task's scorer passes the better one, so the score is the
        share of pairs that are ranked rightly. A tie goes to the better one every second time.
        """
        margins = self.margins(len(examples))
        rightly = [margin > 0 or (margin == 0 and place % 2 == 0) for place, margin in enumerate(margins)]
        return [example.answer if good else worse for example, worse, good in zip(examples, self.worse, rightly, strict=False)]

    def heldout_loss(self, examples: Sequence[Example]) -> float:
        margins = torch.tensor(self.margins(len(examples)))
        return reward_loss(margins, torch.zeros_like(margins)).item()

    def measures(self, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        """The head beside the adapter: `reward_head.safetensors` with `w` (d,), fp32."""
        (folder / "head").mkdir(parents=True, exist_ok=True)
        save_file({"w": self.w.detach().cpu()}, folder / "head" / "reward_head.safetensors")
