"""From examples to token ids: rows with labels on the answer only, and batches of rows of like length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from engine.contracts import RunError
from engine.tasks import Example

IGNORE = -100
"""Label of a token without loss; torch's own default for cross-entropy."""


class Row(NamedTuple):
    """One example as token ids; the last `answer_tokens` of them are the answer, its end mark included."""

    ids: list[int]
    answer_tokens: int


class Batch(NamedTuple):
    """Rows padded on the left to the longest, all (b, s), int64."""

    ids: torch.Tensor
    labels: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""
        return int(self.mask.sum())


def prompt_text(tokenizer, prompt: str) -> str:
    """The prompt in the model's own chat template, up to where the answer begins."""
    return tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)


def prompt_ids(tokenizer, prompt: str) -> list[int]:
    """Token ids of the prompt in the chat template."""
    ids: list[int] = tokenizer(prompt_text(tokenizer, prompt), add_special_tokens=False).input_ids
    return ids


def make_row(tokenizer, example: Example, context_tokens: int, fault: str | None = None) -> Row:
    """Tokenise one example. Raises RunError when it is longer than the model's context.

    Two faults of the clinic are made here: "wrong-template" frames the row as another family of models does, and
    "prompt-loss" counts the prompt as part of the answer.
    """
    start = prompt_text(tokenizer, example.prompt)
    turns = [{"role": "user", "content": example.prompt}, {"role": "assistant", "content": example.answer}]
    whole = tokenizer.apply_chat_template(turns, tokenize=False)
    if fault == "wrong-template":
        start, whole = foreign_template(example)
    prompt = tokenizer(start, add_special_tokens=False).input_ids
    answer = tokenizer(whole[len(start) :].rstrip("\n"), add_special_tokens=False).input_ids
    if len(prompt) + len(answer) > context_tokens:
        raise RunError(
            f"An example of {len(prompt) + len(answer)} tokens is longer than the model's context of {context_tokens}.",
            f"Shorten or remove it; it begins {example.prompt[:60]!r}.",
        )
    return Row(prompt + answer, len(prompt + answer) if fault == "prompt-loss" else len(answer))


def foreign_template(example: Example) -> tuple[str, str]:
    """Prompt, and prompt with answer, in the template of Llama 2's chat models."""
    start = f"<s>[INST] {example.prompt} [/INST]"
    return start, f"{start} {example.answer} </s>"


def make_rows(tokenizer, examples: Sequence[Example], model: nn.Module, fault: str | None = None) -> list[Row]:
    """Tokenise examples for a model. Raises RunError when one is longer than the model's context."""
    context_tokens = getattr(model.config, "max_position_embeddings", 1_000_000)
    return [make_row(tokenizer, example, context_tokens, fault) for example in examples]


def collate(rows: Sequence[Row], pad_id: int, device: str = "cpu") -> Batch:
    """Pad on the left, so that all answers end in the last column."""
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    labels = torch.full((len(rows), width), IGNORE)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, width - len(row.ids) :] = torch.tensor(row.ids)
        labels[i, width - row.answer_tokens :] = torch.tensor(row.ids[len(row.ids) - row.answer_tokens :])
        mask[i, width - len(row.ids) :] = 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return Batch(*(t.to(device) for t in (ids, labels, mask, positions)))


def batches(rows: Sequence[Row], micro_batch: int, steps: int, seed: int, pad_id: int, device: str = "cpu") -> Iterator[Batch]:
    """`steps` batches, epoch after epoch in an order drawn from the seed; none where there are no rows."""
    for group in draw_groups([len(row.ids) for row in rows], micro_batch, steps, seed):
        yield collate([rows[i] for i in group], pad_id, device)


def as_spoken(row: Row, longest: int) -> Row:
    """A row of a model's own answer: one that was cut off, being longer than `longest` tokens with its end mark, loses the mark."""
    return Row(row.ids[:-1], row.answer_tokens - 1) if row.answer_tokens > longest else row


def draw_groups(lengths: Sequence[int], size: int, steps: int, seed: int) -> Iterator[list[int]]:
    """`steps` groups of at most `size` indices, epoch after epoch in an order drawn from the seed.

    Indices are sorted by length within pools of four groups: little padding, and still other neighbours in each epoch.
    """
    draw = torch.Generator().manual_seed(seed)
    pool = 4 * size
    made = 0
    while lengths and made < steps:
        drawn = torch.randperm(len(lengths), generator=draw).tolist()
        order = [i for at in range(0, len(drawn), pool) for i in sorted(drawn[at : at + pool], key=lambda i: lengths[i])]
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        for g in torch.randperm(len(groups), generator=draw).tolist():
            if made < steps:
                made += 1
                yield groups[g]


def inputs(batch: Batch) -> dict[str, Any]:
    """What a model of transformers asks for."""
    return {"input_ids": batch.ids, "attention_mask": batch.mask, "position_ids": batch.positions, "use_cache": False}


def hidden_states(model: nn.Module, batch: Batch) -> torch.Tensor:
    """What the last layer holds at each token, (b, s, d)."""
    return model.base_model(**inputs(batch)).last_hidden_state


def answer_logits(model: nn.Module, batch: Batch, hidden: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n, vocabulary) that predict the n labelled tokens of the batch, and those tokens (n,).

    The output layer is a fifth of a 135M model's work, and a prompt's logits are never looked at, so it runs on the
    positions that have a label only. `hidden`: the model's hidden states on this batch, where they are at hand.
    """
    labels = batch.labels[:, 1:]
    wanted = labels != -100  # position t predicts token t + 1
    if getattr(model.config, "final_logit_softcapping", None) or getattr(model.config, "logits_scaling", None):
        return model(**inputs(batch)).logits[:, :-1][wanted], labels[wanted]  # these models reshape logits in their own forward
    hidden = hidden_states(model, batch) if hidden is None else hidden
    return model.get_output_embeddings()(hidden[:, :-1][wanted]), labels[wanted]


def answer_log_probs(model: nn.Module, batch: Batch, hidden: torch.Tensor | None = None) -> torch.Tensor:
    """Log-probability of each answer token given what stands before it, nats, (b, s) in fp32; 0 at prompt and padding."""
    logits, labels = answer_logits(model, batch, hidden)
    said = -F.cross_entropy(logits.float(), labels, reduction="none")
    return torch.zeros(batch.labels.shape, device=said.device).masked_scatter(batch.labels != IGNORE, said)
