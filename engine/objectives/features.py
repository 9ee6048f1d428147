"""What a model holds of a text, as one vector; and the reward model that can be read off such vectors at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from engine.objectives.rows import Batch


def pooled(model: nn.Module, batch: Batch, pooling: str) -> torch.Tensor:
    """One vector a row, (b, d) in fp32: the last token's hidden state, or the mean over the tokens that are not padding."""
    inputs = {"input_ids": batch.ids, "attention_mask": batch.mask, "position_ids": batch.positions, "use_cache": False}
    hidden = model.base_model(**inputs).last_hidden_state.float()
    if pooling == "last":
        return hidden[:, -1]  # rows are padded on the left
    return (hidden * batch.mask[..., None]).sum(1) / batch.mask.sum(1, keepdim=True)


def last_hidden(model: nn.Module, batch: Batch) -> torch.Tensor:
    """What the model holds at the last token of each row, (b, d) in fp32: it has read the whole answer there."""
    return pooled(model, batch, "last")


def fit(better: torch.Tensor, worse: torch.Tensor, decay: float = 1e-2) -> torch.Tensor:
    """The weights w (d,) of r = w · h that minimise the Bradley–Terry loss on n pairs of features (n, d), with weight decay.

    The problem is convex, so L-BFGS finds its one minimum from anywhere.
    """
    scale = (better - worse).std()
    w = torch.zeros(better.shape[1], device=better.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = -F.logsigmoid(better @ w / scale - worse @ w / scale).mean() + decay * w.square().sum()
        value.backward()
        return value

    optimizer.step(closure)
    return (w / scale).detach()
