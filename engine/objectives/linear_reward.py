"""The reward model that can be read off a frozen model's features at once."""

from __future__ import annotations

import torch

from engine.objectives.reward import reward_loss


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
