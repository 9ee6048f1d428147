"""Supervised fine-tuning: make the answer likely, token by token, given the prompt before it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from engine.objectives.rows import Batch


def sft_loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy over answer tokens, nats; prompt and padding carry no loss.

    Args:
        model: A causal language model.
        batch: Token ids (b, s) and labels (b, s), -100 where there is no loss.
    """
    logits, labels = answer_logits(model, batch)
    return F.cross_entropy(logits.float(), labels)


def answer_logits(model: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n, vocabulary) that predict the n labelled tokens of the batch, and those tokens (n,).

    The output layer is a fifth of a 135M model's work, and a prompt's logits are never looked at, so it runs on the
    positions that have a label only.
    """
    labels = batch.labels[:, 1:]
    wanted = labels != -100  # position t predicts token t + 1
    inputs = {"input_ids": batch.ids, "attention_mask": batch.mask, "position_ids": batch.positions, "use_cache": False}
    if getattr(model.config, "final_logit_softcapping", None) or getattr(model.config, "logits_scaling", None):
        return model(**inputs).logits[:, :-1][wanted], labels[wanted]  # these models reshape logits in their own forward
    hidden = model.base_model(**inputs).last_hidden_state
    return model.get_output_embeddings()(hidden[:, :-1][wanted]), labels[wanted]
