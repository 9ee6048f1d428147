"""The reward model that can be read off a frozen model's features at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.adapt import Adaptation
from engine.objectives.features import look_up
from engine.objectives.pairs import make_pairs, unended, worse_answers
from engine.objectives.reward import reward_loss
from engine.tasks import Example, Task


def fit_to_pairs(adaptation: Adaptation, tokenizer, task: Task, examples: Sequence[Example], kind: str) -> torch.Tensor:
    """The weights w (d,) of r = w · h, h being what the base holds at an answer's last token.

    An answer that was cut off is a worse one with an end mark and without: a policy's samples are read as they stop, and a
    reward model that never saw one stop in mid-sentence would score those by chance.
    """
    parts = (adaptation, tokenizer)
    pairs = make_pairs(*parts, examples, worse_answers(*parts, task, examples, kind))
    pairs += [cut for cut, pair in zip(unended(pairs, task, kind), pairs, strict=True) if cut != pair]
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
