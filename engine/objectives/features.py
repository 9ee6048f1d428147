"""What a model holds of a text, as one vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from engine.objectives.rows import Batch, Row, collate, hidden_states

LOOK = 16
"""Rows in one forward pass where nothing is trained."""


def pooled(model: nn.Module, batch: Batch, pooling: str) -> torch.Tensor:
    """One vector a row, (b, d) in fp32: the last token's hidden state, or the mean over the tokens that are not padding."""
    hidden = hidden_states(model, batch).float()
    if pooling == "last":
        return hidden[:, -1]  # rows are padded on the left
    return (hidden * batch.mask[..., None]).sum(1) / batch.mask.sum(1, keepdim=True)


def last_hidden(model: nn.Module, batch: Batch) -> torch.Tensor:
    """What the model holds at the last token of each row, (b, d) in fp32: it has read the whole answer there."""
    return pooled(model, batch, "last")


@torch.no_grad()
def look_up(model: nn.Module, rows: Sequence[Row], pad_id: int, pooling: str = "last") -> torch.Tensor:
    """Features (n, d) of any number of rows, without gradients."""
    model.eval()
    parts = [collate(rows[at : at + LOOK], pad_id, str(model.device)) for at in range(0, len(rows), LOOK)]
    return torch.cat([pooled(model, part, pooling) for part in parts])
