"""Looking at a model: its greedy answers, their scores, its loss on rows it never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from engine.objectives.decode import decode
from engine.objectives.rows import Row, answer_logits, collate, prompt_ids
from engine.tasks import Example, Task


class Score(NamedTuple):
    """Shares of held-out prompts, 0 to 1."""

    score: float
    fact_score: float | None
    """None where the task has no key facts."""


def answers(model: nn.Module, tokenizer, examples: Sequence[Example], max_new_tokens: int) -> list[str]:
    """Greedy answers, one per example, in order; cut at the end mark or at `max_new_tokens`."""
    prompts = [prompt_ids(tokenizer, example.prompt) for example in examples]
    said = decode(model, prompts, tokenizer.pad_token_id, max_new_tokens)
    return [tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in said]


def score(task: Task, examples: Sequence[Example], said: Sequence[str]) -> Score:
    """Share of answers that pass the task's own scorer, and share that hold the key fact."""
    passed = [task.score(example, answer) for example, answer in zip(examples, said, strict=True)]
    if task.holds_fact is None:
        return Score(sum(passed) / len(passed), None)
    facts = [task.holds_fact(example, answer) for example, answer in zip(examples, said, strict=True)]
    return Score(sum(passed) / len(passed), sum(facts) / len(facts))


@torch.inference_mode()
def loss_on(model: nn.Module, rows: Sequence[Row], pad_id: int, batch: int = 16) -> float:
    """Mean cross-entropy over all answer tokens of the rows, nats."""
    model.eval()
    total, tokens = 0.0, 0
    ordered = sorted(rows, key=lambda row: len(row.ids))
    for at in range(0, len(ordered), batch):
        logits, labels = answer_logits(model, collate(ordered[at : at + batch], pad_id, str(model.device)))
        total += F.cross_entropy(logits.float(), labels, reduction="sum").item()
        tokens += labels.numel()
    return total / tokens
