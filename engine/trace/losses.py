"""Losses as older or other code computes them, where the pinned transformers has none of its own to call."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch.nn import functional

from engine.planner.options import Options


def legacy_causal_loss(holder: list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
    """transformers 4.3x to 4.49: an fp32 copy of the logits and a contiguous shifted copy of that.

    Args:
        holder: The logits, in a list, so that they are freed here if nobody else holds them.
    """
    logits = holder.pop().float()
    shifted = logits[..., :-1, :].contiguous()
    targets = labels[..., 1:].contiguous()
    return functional.cross_entropy(shifted.view(-1, shifted.shape[-1]), targets.view(-1))


def pair_loss(model: Any, input_ids: torch.Tensor, options: Options) -> torch.Tensor:
    """Direct preference optimisation on pairs, chosen first: Rafailov et al. 2023, 2305.18290, eq. 7.

    Args:
        input_ids: (2 * pairs, tokens).
    """
    if options.reference == "precomputed":
        expected = torch.zeros(input_ids.shape[0])
    else:
        off = model.disable_adapter() if options.reference == "adapter-off" else contextlib.nullcontext()
        with torch.no_grad(), off:
            expected = _log_probability(model, input_ids)
    ratios = _log_probability(model, input_ids) - expected
    chosen, rejected = ratios.chunk(2)
    return -functional.logsigmoid(0.1 * (chosen - rejected)).mean()


def _log_probability(model: Any, input_ids: torch.Tensor) -> torch.Tensor:
    logits = model(input_ids=input_ids).logits[:, :-1]
    return torch.gather(logits.float().log_softmax(-1), 2, input_ids[:, 1:, None]).squeeze(2).sum(1)
