"""Looking at a model: its greedy answers, their scores, its loss on rows it never trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from engine.adapt import Adaptation
from engine.objectives.decode import decode
from engine.objectives.rows import Row, answer_logits, collate, make_rows, prompt_ids
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


def kl_to_base(adaptation: Adaptation, rows: Sequence[Row], pad_id: int, batch: int = 8) -> float:
    """KL(tuned || base) along given answers, nats per answer: at each token exact over the vocabulary, then summed.

    Along answers sampled from the tuned model this estimates the KL of whole answers (chain rule); along its greedy
    answers it is that of the paths it takes most.
    """
    return kl_sum(adaptation.model, adaptation.as_base, rows, pad_id, batch) / len(rows)


@torch.inference_mode()
def kl_sum(model: nn.Module, as_base: Callable[[], AbstractContextManager[None]], rows: Sequence[Row], pad_id: int, batch: int) -> float:
    """KL(tuned || base) summed over all answer tokens of the rows, nats; inside `as_base()` the model answers as before training."""
    model.eval()
    total = 0.0
    for at in range(0, len(rows), batch):
        collated = collate(rows[at : at + batch], pad_id, str(model.device))
        tuned = answer_logits(model, collated)[0].float().log_softmax(-1)
        with as_base():
            base = answer_logits(model, collated)[0].float().log_softmax(-1)
        total += F.kl_div(base, tuned, reduction="sum", log_target=True).item()
    return total


def speech(adaptation: Adaptation, tokenizer, examples: Sequence[Example], said: Sequence[str]) -> dict[str, float]:
    """How the model speaks: `answer_tokens`, mean tokens of an answer with its end mark; `kl`, see `kl_to_base`."""
    rows = make_rows(tokenizer, [example._replace(answer=answer) for example, answer in zip(examples, said, strict=True)], adaptation.model)
    kl = kl_to_base(adaptation, rows, tokenizer.pad_token_id)
    return {"answer_tokens": sum(row.answer_tokens for row in rows) / len(rows), "kl": kl}
