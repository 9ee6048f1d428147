"""Full fine-tuning: every parameter may move, and ΔW is whatever the data make of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from engine.adapt.kinds import HEADS, Matrix
from engine.contracts import RunSpec


class FullFineTuning:
    """Trains all parameters. A bf16 model computes in bf16 while the optimizer moves an fp32 master copy.

    Without the master copy an update smaller than about 1/256 of a weight would be rounded away.
    """

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        self.model = model.requires_grad_(True)
        self._params = list(model.parameters())
        self._before = [p.data for p in self._params]
        for param in self._params:  # the file's own pages stay as they are: to write on them one by one takes a second
            param.data = param.data.clone()
        self._masters: list[torch.Tensor] = list(self._params)
        if any(p.dtype != torch.float32 for p in self._params):
            self._masters = [p.detach().float().requires_grad_(True) for p in self._params]
            for param, master in zip(self._params, self._masters, strict=True):
                param.register_post_accumulate_grad_hook(_hand_over_to(master))

    def trainable(self) -> list[torch.Tensor]:
        return self._masters

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.register_step_post_hook(lambda *_: self._round_masters_into_model())

    @contextmanager
    def as_base(self) -> Iterator[None]:
        tuned = [p.data for p in self._params]
        for param, before in zip(self._params, self._before, strict=True):
            param.data = before
        try:
            yield
        finally:
            for param, data in zip(self._params, tuned, strict=True):
                param.data = data

    @torch.no_grad()
    def matrices(self) -> Iterator[Matrix]:
        place = {id(param): index for index, param in enumerate(self._params)}
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Linear) and not name.endswith(HEADS):
                index = place[id(module.weight)]
                before = self._before[index]
                yield Matrix(name, before, self._masters[index].float() - before.float())

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder / "model")

    @torch.no_grad()
    def _round_masters_into_model(self) -> None:
        if self._masters is not self._params and self._masters[0] is not self._params[0]:
            torch._foreach_copy_(self._params, self._masters)


def _hand_over_to(master: torch.Tensor):
    kept = torch.empty_like(master)  # half a gigabyte of fresh memory in each step would cost a tenth of its time

    def hook(param: torch.Tensor) -> None:
        master.grad = kept.copy_(param.grad)
        param.grad = None

    return hook
