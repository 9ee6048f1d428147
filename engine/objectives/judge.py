"""What scores a policy's answers: a reward model read off the base's own features, or one that a run of its own trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import nn

from engine.adapt import Adaptation
from engine.catalog.check import REWARD_HEAD
from engine.contracts import RunSpec
from engine.home import run_dir
from engine.objectives.features import look_up
from engine.objectives.linear_reward import fit_to_pairs
from engine.objectives.reference import saved_model
from engine.objectives.rows import Batch, Row, hidden_states
from engine.tasks import Example, Task


class Judge(NamedTuple):
    """r(answer) = w · h, with h what a model holds at the answer's last token."""

    w: torch.Tensor
    """(d,), fp32."""
    model: nn.Module | None
    """The model that reads; None for the policy's own base."""

    def rewards(self, batch: Batch, base_hidden: torch.Tensor) -> torch.Tensor:
        """Of n answers, (n,). `base_hidden`: what the policy's base holds of them, (n, s, d)."""
        hidden = base_hidden if self.model is None else hidden_states(self.model, batch)
        return hidden[:, -1].float() @ self.w

    def mean_reward(self, adaptation: Adaptation, rows: Sequence[Row], pad_id: int) -> float:
        with adaptation.as_base():
            return float((look_up(self.model or adaptation.model, rows, pad_id) @ self.w).mean())


def make_judge(adaptation: Adaptation, tokenizer, task: Task, examples: Sequence[Example], spec: RunSpec) -> Judge:
    """As the spec names it. `catalog.check` has seen that a run's reward model fits this base."""
    assert spec.pairs is not None
    if spec.reward_run is None:
        return Judge(fit_to_pairs(adaptation, tokenizer, task, examples, spec.pairs), None)
    w = load_file(run_dir(spec.reward_run) / REWARD_HEAD)["w"].to(adaptation.model.device)
    return Judge(w, reader(spec, spec.reward_run, adaptation.model))


def reader(spec: RunSpec, run_id: str, policy: nn.Module) -> nn.Module | None:
    """The model whose features a reward run's head was trained on; None where it is the policy's own base, which a packed one is not."""
    moved = any((run_dir(run_id) / kind).exists() for kind in ("adapter", "model"))
    return saved_model(spec, run_id, policy).eval() if moved or spec.method == "qlora" else None
