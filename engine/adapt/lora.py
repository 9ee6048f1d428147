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
from engine.adapt.kinds import HEADS, Factors, Matrix
from engine.adapt.pissa import save_for_whole_base, start_from_leading_directions, swapped
from engine.catalog.check import ATTENTION
from engine.contracts import RunSpec, SpecError


class LoRA:
    """Low-rank adapters through PEFT. B (out, r) starts at zero, A (r, in) at random, so ΔW starts at zero.

    rsLoRA scales by alpha / sqrt(r) (Kalajdzievski 2023, 2312.03732, Eq. 5). DoRA learns a length m for each row of W + ΔW
    (Liu et al. 2024, 2402.09353, Eq. 5). PiSSA starts from W's leading directions; see pissa.py.
    """

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        assert spec.targets is not None and spec.rank is not None
        targets = target_modules(model, spec.targets)
        check_rank(model, targets, spec.rank)
        config = peft.LoraConfig(
            task_type="CAUSAL_LM",
            r=spec.rank,
            lora_alpha=spec.alpha,
            lora_dropout=spec.dropout,
            target_modules=targets,
            use_rslora=spec.scaling == "rslora",
            use_dora=bool(spec.dora),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that version 6 drops
            self._peft = peft.get_peft_model(model, config)  # adapters are fp32 even where the frozen weights are bf16
        self.model = self._peft.get_base_model()
        self.layers = {name: module for name, module in self.model.named_modules() if isinstance(module, peft.tuners.lora.Linear)}
        self.whole: dict[str, torch.Tensor] = {}
        """PiSSA: W as it was before its leading directions were taken out."""
        self.start: dict[str, Factors] = {}
        """PiSSA: B and A before training."""
        if spec.init == "pissa":
            self.whole = {name: layer.get_base_layer().weight.detach().clone() for name, layer in self.layers.items()}
            self.start = {name: start_from_leading_directions(layer) for name, layer in self.layers.items()}
        for layer in self.layers.values():
            fuse(layer)

    def trainable(self) -> list[torch.Tensor]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: the model holds the very tensors that the optimizer moves."""

    @contextmanager
    def as_base(self) -> Iterator[None]:
        with self._peft.disable_adapter(), swapped((self.layers[name].get_base_layer().weight, W) for name, W in self.whole.items()):
            yield

    @torch.no_grad()
    def matrices(self) -> Iterator[Matrix]:
        for name, layer in self.layers.items():
            s, W = layer.scaling["default"], layer.get_base_layer().weight.detach()
            delta = Factors(layer.lora_B["default"].weight.detach() * s, layer.lora_A["default"].weight.detach())
            if name in self.start:
                B0, A0 = self.start[name]
                W = self.whole.get(name, (W + s * B0 @ A0).to(W.dtype))
                delta = Factors(torch.cat([delta.B, -s * B0], dim=1), torch.cat([delta.A, A0]))
            yield Matrix(name, W, rescaled(W, delta, layer) if layer.lora_magnitude_vector else delta)

    def save(self, folder: Path) -> None:
        if self.start:
            save_for_whole_base(self._peft, self.start, folder / "adapter")
        else:
            self._peft.save_pretrained(folder / "adapter")


def rescaled(W: torch.Tensor, delta: Factors, layer: peft.tuners.lora.Linear) -> torch.Tensor:
    """DoRA's ΔW, dense: each row of W + B A is brought to its learned length m, and W is taken away."""
    moved = W.float() + delta.B @ delta.A
    m = layer.lora_magnitude_vector["default"].weight.detach()
    return (m / moved.norm(dim=1))[:, None] * moved - W.float()


def target_modules(model: nn.Module, targets: str) -> list[str]:
    """Module names that the spec's word stands for in this model.

    Raises:
        SpecError: A name matches no linear layer; the sentence lists those that exist.
    """
    linear = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    linear -= set(HEADS)
    if targets == "all-linear":
        return sorted(linear)
    wanted = ATTENTION.get(targets) or tuple(part.strip() for part in targets.split(","))
    if missing := [name for name in wanted if name not in linear]:
        raise SpecError(f"targets={targets} matches nothing named {', '.join(missing)}; this model has {', '.join(sorted(linear))}")
    return list(wanted)


def check_rank(model: nn.Module, targets: list[str], rank: int) -> None:
    """Raise SpecError where a target matrix has fewer directions than `rank`."""
    shapes = {n: m.weight.shape for n, m in model.named_modules() if isinstance(m, nn.Linear) and n.rsplit(".", 1)[-1] in targets}
    name = min(shapes, key=lambda n: min(shapes[n]))
    most, (out, in_) = min(shapes[name]), shapes[name]
    if rank > most:
        raise SpecError(f"rank={rank} is above {most}, the most that {name} ({out} x {in_}) can have; use {most} or less")
