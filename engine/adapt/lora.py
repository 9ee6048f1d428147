"""LoRA: freeze W and learn ΔW = (alpha / r) B A beside it. Hu et al. 2021, arXiv 2106.09685, §4.1, Eq. 3."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peft
import torch
from torch import nn

from engine.adapt.fused import fuse
from engine.adapt.kinds import Factors, Matrix
from engine.catalog.check import ATTENTION
from engine.contracts import RunSpec, SpecError


class LoRA:
    """Low-rank adapters through PEFT. B (out, r) starts at zero, A (r, in) at random, so ΔW starts at zero."""

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        assert spec.targets is not None
        config = peft.LoraConfig(
            task_type="CAUSAL_LM",
            r=spec.rank,
            lora_alpha=spec.alpha,
            lora_dropout=spec.dropout,
            target_modules=target_modules(model, spec.targets),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that version 6 drops
            self._peft = peft.get_peft_model(model, config)  # adapters are fp32 even where the frozen weights are bf16
        self.model = self._peft.get_base_model()
        for layer in self._layers().values():
            fuse(layer)

    def trainable(self) -> list[torch.Tensor]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: the model holds the very tensors that the optimizer moves."""

    @contextmanager
    def as_base(self) -> Iterator[None]:
        with self._peft.disable_adapter():
            yield

    def matrices(self) -> Iterator[Matrix]:
        for name, module in self._layers().items():
            A = module.lora_A["default"].weight.detach().float()
            B = module.lora_B["default"].weight.detach().float() * module.scaling["default"]
            yield Matrix(name, module.get_base_layer().weight.detach(), Factors(B, A))

    def save(self, folder: Path) -> None:
        self._peft.save_pretrained(folder / "adapter")

    def _layers(self) -> dict[str, peft.tuners.lora.Linear]:
        return {name: module for name, module in self.model.named_modules() if isinstance(module, peft.tuners.lora.Linear)}


def target_modules(model: nn.Module, targets: str) -> list[str]:
    """Module names that the spec's word stands for in this model.

    Raises:
        SpecError: A name matches no linear layer; the sentence lists those that exist.
    """
    linear = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    linear -= {"lm_head", "embed_out", "score"}  # the output layer is not a target of "all-linear" in PEFT either
    if targets == "all-linear":
        return sorted(linear)
    wanted = ATTENTION.get(targets) or tuple(part.strip() for part in targets.split(","))
    if missing := [name for name in wanted if name not in linear]:
        raise SpecError(f"targets={targets} matches nothing named {', '.join(missing)}; this model has {', '.join(sorted(linear))}")
    return list(wanted)
