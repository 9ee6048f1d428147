"""Preference pairs: two answers to one prompt, of which the first is the better one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from engine.adapt import Adaptation
from engine.contracts import RunError, RunSpec
from engine.objectives.answers import answers
from engine.objectives.rows import Batch, Row, as_spoken, collate, draw_groups, make_rows
from engine.tasks import Example, Task


class Pair(NamedTuple):
    """Two rows with the same prompt."""

    chosen: Row
    rejected: Row


def worse_answers(adaptation: Adaptation, tokenizer, task: Task, examples: Sequence[Example], pairs: str) -> list[str | None]:
    """The rejected answer of each example, "made-up" by the task or the base model's "own" (greedy, adapter off).

    None where there is no worse answer: the base's own passes the task's scorer, or is the chosen one.
    """
    if pairs == "made-up":
        return [example.rejected for example in examples]
    with adaptation.as_base():
        said = answers(adaptation.model, tokenizer, examples, task.max_new_tokens)
    return [
        None if answer == example.answer or task.score(example, answer) else answer
        for example, answer in zip(examples, said, strict=True)
    ]  # fmt: skip


def make_pairs(adaptation: Adaptation, tokenizer, examples: Sequence[Example], worse: Sequence[str | None]) -> list[Pair]:
    """Pairs as token ids; examples without a worse answer are left out. Raises RunError when none is left."""
    kept = [(example, answer) for example, answer in zip(examples, worse, strict=True) if answer is not None]
    if not kept:
        raise RunError("No pair is left: the base model's own answers are as good as the chosen ones.", "Take pairs=made-up.")
    chosen = make_rows(tokenizer, [example for example, _ in kept], adaptation.model)
    rejected = make_rows(tokenizer, [example._replace(answer=answer) for example, answer in kept], adaptation.model)
    return [Pair(*rows) for rows in zip(chosen, rejected, strict=True)]


def heldout_pairs(adaptation: Adaptation, tokenizer, task: Task, pairs: str) -> list[Pair]:
    """One pair for each held-out example; where the base's own answer is good, the made-up one stands in."""
    worse = worse_answers(adaptation, tokenizer, task, task.heldout, pairs)
    filled = [answer or example.rejected for answer, example in zip(worse, task.heldout, strict=True)]
    return make_pairs(adaptation, tokenizer, task.heldout, filled)


def unended(pairs: Sequence[Pair], task: Task, kind: str) -> list[Pair]:
    """The pairs, where the model's "own" rejected answers that were cut off lose their end mark: the model did not stop there,
    and to train it away from stopping would make its answers longer. With the mark they are longer than `max_new_tokens`.
    """
    if kind != "own":
        return list(pairs)
    return [pair._replace(rejected=as_spoken(pair.rejected, task.max_new_tokens)) for pair in pairs]


def draw_pairs(pairs: Sequence[Pair], spec: RunSpec) -> Iterator[list[int]]:
    """Indices of the pairs of each step, `micro_batch` of them."""
    return draw_groups([len(pair.rejected.ids) for pair in pairs], spec.micro_batch, spec.steps, spec.seed)


def collate_pairs(pairs: Sequence[Pair], pad_id: int, device: str) -> Batch:
    """(2b, s): the b chosen answers, then the b rejected ones."""
    return collate([pair.chosen for pair in pairs] + [pair.rejected for pair in pairs], pad_id, device)


def watch(log_probs: torch.Tensor, ratios: torch.Tensor, beta: float) -> dict[str, float]:
    """The metrics of a step of DPO, means over its pairs (objectives/dpo.py names them), from (2b, s) log-probabilities and log-ratios to the reference."""
    (chosen, rejected), rewards = log_probs.sum(1).chunk(2), beta * ratios.sum(1)
    chosen_reward, rejected_reward = rewards.chunk(2)
    margin = chosen_reward - rejected_reward
    found = {"chosen_logp": chosen, "rejected_logp": rejected, "chosen_reward": chosen_reward, "rejected_reward": rejected_reward}
    found |= {"margin": margin, "accuracy": (margin > 0).float(), "kl": ratios.chunk(2)[0].square().sum(1) / 2}
    return {name: value.mean().item() for name, value in found.items()}
