"""DPO: make the better of two answers likelier than the worse one, measured against a reference, most often the model before training.

Rafailov et al. 2023, arXiv 2305.18290; with two relatives that change one line each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F

from engine.adapt import Adaptation
from engine.contracts import Event, Phase, RunSpec
from engine.objectives.answers import answers, speech
from engine.objectives.kinds import Loss
from engine.objectives.pairs import Pair, collate_pairs, draw_pairs, heldout_pairs, make_pairs, unended, watch, worse_answers
from engine.objectives.reference import reference_log_probs
from engine.objectives.rows import IGNORE, Batch, answer_log_probs
from engine.tasks import Example, Task


def dpo_loss(chosen: torch.Tensor, rejected: torch.Tensor, beta: float, smoothing: float = 0.0) -> torch.Tensor:
    """Rafailov et al. 2023, Eq. 7, from the log-ratios log π(y|x) - log π_ref(y|x) of b chosen and b rejected answers, nats.

    A share `smoothing` of the pairs is taken to be labelled the wrong way round (Mitchell 2023, conservative DPO).
    """
    margin = beta * (chosen - rejected)
    return -((1 - smoothing) * F.logsigmoid(margin) + smoothing * F.logsigmoid(-margin)).mean()


def ipo_loss(chosen: torch.Tensor, rejected: torch.Tensor, beta: float) -> torch.Tensor:
    """Azar et al. 2023, 2310.12036, Eq. 17, on log-ratios per token: the gap is pulled to 1 / 2β, not driven on for ever."""
    return (chosen - rejected - 1 / (2 * beta)).square().mean()


def simpo_loss(chosen: torch.Tensor, rejected: torch.Tensor, beta: float) -> torch.Tensor:
    """Meng et al. 2024, 2405.14734, Eq. 6, on log-probabilities per token, without a reference; target margin γ = β / 2."""
    return -F.logsigmoid(beta * (chosen - rejected) - beta / 2).mean()


class DPOBatch(NamedTuple):
    """b pairs of answers."""

    rows: Batch
    """(2b, s): the b chosen answers, then the b rejected ones."""
    reference: torch.Tensor
    """(2b, s): the reference's log-probabilities of the answer tokens, nats; 0 elsewhere, and everywhere without a reference."""

    @property
    def tokens(self) -> int:
        return self.rows.tokens


class DPO:
    """Prefer the chosen answers. Metrics of a step, means over its pairs: `chosen_logp` and `rejected_logp`, nats per answer;
    `chosen_reward` and `rejected_reward`, β times their gain over the reference; `margin`, the difference of these;
    `accuracy`, the share of pairs with a margin above 0; `kl`, half the squared log-ratio of each token of the chosen answer,
    summed: nats per answer, near KL(policy || reference) while the two are close (Schulman 2020, estimator k2).
    """

    def __init__(self, adaptation: Adaptation, tokenizer, task: Task, spec: RunSpec) -> None:
        self.adaptation, self.tokenizer, self.task, self.spec = adaptation, tokenizer, task, spec

    def prepare(self) -> Iterable[Event]:
        parts, examples = (self.adaptation, self.tokenizer), self.task.train[: self.spec.examples]
        yield Phase("preparing", f"the rejected answers ({self.spec.pairs}), and how likely the reference finds all answers")
        pairs = make_pairs(*parts, examples, worse_answers(*parts, self.task, examples, self.spec.pairs))
        self.pairs = unended(pairs, self.task, self.spec.pairs)
        self.heldout = unended(heldout_pairs(*parts, self.task, self.spec.pairs), self.task, self.spec.pairs)
        found = reference_log_probs(self.adaptation, self.spec, self.pairs + self.heldout, self.tokenizer.pad_token_id)
        self.before, self.heldout_before = found[: len(pairs)], found[len(pairs) :]

    def trainable(self) -> list[torch.Tensor]:
        return []

    def batches(self) -> Iterator[DPOBatch]:
        for group in draw_pairs(self.pairs, self.spec):
            yield self.batch([self.pairs[i] for i in group], [self.before[i] for i in group])

    def batch(self, pairs: Sequence[Pair], before: Sequence[torch.Tensor]) -> DPOBatch:
        rows = collate_pairs(pairs, self.tokenizer.pad_token_id, str(self.adaptation.model.device))
        padded = torch.stack([F.pad(two, (rows.ids.shape[1] - two.shape[1], 0)) for two in before])  # (b, 2, s)
        return DPOBatch(rows, padded.transpose(0, 1).flatten(0, 1))

    def loss(self, batch: DPOBatch) -> Loss:
        spec, tokens = self.spec, (batch.rows.labels != IGNORE).sum(1)
        log_probs = answer_log_probs(self.adaptation.model, batch.rows)
        ratios = log_probs - batch.reference
        if spec.preference_loss == "ipo":
            value = ipo_loss(*(ratios.sum(1) / tokens).chunk(2), spec.beta)
        elif spec.preference_loss == "simpo":
            value = simpo_loss(*(log_probs.sum(1) / tokens).chunk(2), spec.beta)
        else:
            value = dpo_loss(*ratios.sum(1).chunk(2), spec.beta, spec.label_smoothing)
        return Loss(value, watch(log_probs.detach(), ratios.detach(), spec.beta))

    def as_base(self) -> AbstractContextManager[None]:
        return self.adaptation.as_base()

    def answers(self, examples: Sequence[Example]) -> list[str]:
        return answers(self.adaptation.model, self.tokenizer, examples, self.task.max_new_tokens)

    @torch.inference_mode()
    def heldout_loss(self, examples: Sequence[Example]) -> float:
        """Of the pairs of the first examples of the task, as many as are given."""
        self.adaptation.model.eval()
        pairs = list(zip(self.heldout, self.heldout_before, strict=True))[: len(examples)]
        parts = [pairs[at : at + 4] for at in range(0, len(pairs), 4)]
        return sum(self.loss(self.batch(*zip(*part, strict=True))).value.item() * len(part) for part in parts) / len(pairs)

    def measures(self, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
        """`answer_tokens` and `kl` of what the model says."""
        return speech(self.adaptation, self.tokenizer, examples, said)

    def save(self, folder: Path) -> None:
        """Nothing of its own."""
