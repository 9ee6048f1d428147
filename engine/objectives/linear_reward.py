"""The reward model that can be read off a frozen model's features at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.adapt import Adaptation
from engine.objectives.features import look_up
from engine.objectives.pairs import make_pairs, worse_answers
from engine.objectives.reward import reward_loss
from engine.tasks import Example, Task


def fit_to_pairs(adaptation: Adaptation, tokenizer, task: Task, examples: Sequence[Example], kind: str) -> torch.Tensor:
    """The weights w (d,) of r = w · h, h being what the base holds at an answer's last token."""
    parts = (adaptation, tokenizer)
    pairs = make_pairs(*parts, examples, worse_answers(*parts, task, examples, kind))
    with adaptation.as_base():
        better, worse = (look_up(adaptation.model, [pair[side] for pair in pairs], tokenizer.pad_token_id) for side in (0, 1))
    return fit(better, worse)


def fit(better: torch.Tensor, worse: torch.Tensor, decay: float = 1e-2) -> torch.Tensor:
    """The weights w (d,) of r = w · h that minimise the Bradley–Terry loss on n pairs of features (n, d), with weight decay.

    The problem is convex, so L-BFGS finds its one minimum from anywhere.
    """
    scale = (better - worse).std()
    w = torch.zeros(better.shape[1], device=better.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = reward_loss(better @ w / scale, worse @ w / scale) + decay * w.square().sum()
        value.backward()
        return value

    optimizer.step(closure)
    return (w / scale).detach()
