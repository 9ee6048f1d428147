"""RLHF: the model writes, a reward model scores, and well-scored answers become likelier, on a leash to where it began.

Policy gradient with a leave-one-out baseline (RLOO): Ahmadian et al. 2024, arXiv 2402.14740, Eq. 7 to 9; the leash as in
Ouyang et al. 2022, 2203.02155, Eq. 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import torch

from engine.adapt import Adaptation
from engine.adapt.fused import merged
from engine.contracts import Event, Phase, RunSpec
from engine.objectives.answers import answers, loss_on, speech
from engine.objectives.decode import decode
from engine.objectives.judge import make_judge
from engine.objectives.kinds import Loss
from engine.objectives.rows import IGNORE, Batch, Row, answer_log_probs, collate, draw_groups, hidden_states, make_rows, prompt_ids
from engine.tasks import Example, Task


def leave_one_out(rewards: torch.Tensor) -> torch.Tensor:
    """Advantage of each answer: its reward minus the mean of the other answers to the same prompt, (prompts, k) both."""
    k = rewards.shape[1]
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / (k - 1)


def policy_loss(log_probs: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """REINFORCE: its gradient is that of minus the expected reward. Both (n,); log-probabilities of whole answers, nats."""
    return -(advantages * log_probs).mean()


class Sampled(NamedTuple):
    """n answers that the policy wrote, k to each prompt."""

    rows: Batch
    rewards: torch.Tensor
    """(n,)."""
    base_log_probs: torch.Tensor
    """(n,): of the answers before training, nats."""

    @property
    def tokens(self) -> int:
        return self.rows.tokens


class RLHF:
    """Raise the reward of sampled answers. Metrics, means over a step's answers: `reward`, of the reward model; `kl`, log π - log π_ref
    summed over the answer, nats; `length`, tokens; `spread`, standard deviation of the advantages.
    """

    def __init__(self, adaptation: Adaptation, tokenizer, task: Task, spec: RunSpec) -> None:
        self.adaptation, self.tokenizer, self.task, self.spec = adaptation, tokenizer, task, spec
        self.examples = task.train[: spec.examples]
        assert spec.samples is not None
        self.k = spec.samples
        self.draw = torch.Generator(adaptation.model.device).manual_seed(spec.seed)

    def prepare(self) -> Iterable[Event]:
        source = f"{len(self.examples)} pairs ({self.spec.pairs})" if self.spec.reward_run is None else f"run {self.spec.reward_run}"
        yield Phase("preparing", f"a reward model from {source}")
        self.judge = make_judge(self.adaptation, self.tokenizer, self.task, self.examples, self.spec)

    def trainable(self) -> list[torch.Tensor]:
        return []

    def batches(self) -> Iterator[Sampled]:
        """Answers of the policy as it stands, so the next batch is written by what this one made of it."""
        lengths = [len(example.prompt) for example in self.examples]
        for group in draw_groups(lengths, self.spec.micro_batch, self.spec.steps, self.spec.seed):
            yield self.sample([self.examples[i] for i in group])

    @torch.no_grad()
    def sample(self, examples: Sequence[Example]) -> Sampled:
        model = self.adaptation.model
        prompts = [prompt for example in examples for prompt in [prompt_ids(self.tokenizer, example.prompt)] * self.k]
        with merged(model):
            said = decode(model, prompts, self.tokenizer.pad_token_id, self.task.max_new_tokens, 1.0, self.draw)
        rows = [self.row(*both) for both in zip(prompts, said, strict=True)]
        batch = collate(rows, self.tokenizer.pad_token_id, str(model.device))
        with self.adaptation.as_base():
            hidden = hidden_states(model, batch)
            return Sampled(batch, self.judge.rewards(batch, hidden), answer_log_probs(model, batch, hidden).sum(1))

    def row(self, prompt: list[int], said: list[int]) -> Row:
        """An answer that ended by itself gets its end mark; one that was cut off has none."""
        answer = [*said, self.tokenizer.eos_token_id] if len(said) < self.task.max_new_tokens else said
        return Row(prompt + answer, len(answer))

    def loss(self, batch: Sampled) -> Loss:
        log_probs = answer_log_probs(self.adaptation.model, batch.rows).sum(1)
        drifted = log_probs.detach() - batch.base_log_probs
        advantages = leave_one_out((batch.rewards - self.spec.kl_weight * drifted).view(-1, self.k)).flatten()
        length = (batch.rows.labels != IGNORE).sum(1).float().mean()
        found = {"length": length, "reward": batch.rewards.mean(), "kl": drifted.mean(), "spread": advantages.std()}
        return Loss(policy_loss(log_probs, advantages), {name: float(value) for name, value in found.items()})

    def as_base(self) -> AbstractContextManager[None]:
        return self.adaptation.as_base()

    def answers(self, examples: Sequence[Example]) -> list[str]:
        return answers(self.adaptation.model, self.tokenizer, examples, self.task.max_new_tokens)

    def heldout_loss(self, examples: Sequence[Example]) -> float:
        """Of the better answers, as in supervised training."""
        return loss_on(self.adaptation.model, make_rows(self.tokenizer, examples, self.adaptation.model), self.tokenizer.pad_token_id)

    def measures(self, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
        """`answer_tokens` and `kl` of what the model says, and `reward`, what the reward model thinks of it."""
        told = [example._replace(answer=answer) for example, answer in zip(examples, said, strict=True)]
        rows = make_rows(self.tokenizer, told, self.adaptation.model)
        reward = self.judge.mean_reward(self.adaptation, rows, self.tokenizer.pad_token_id)
        return {**speech(self.adaptation, self.tokenizer, examples, said), "reward": reward}

    def save(self, folder: Path) -> None:
        """Nothing of its own: the reward model has done its work."""
