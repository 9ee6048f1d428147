"""Several adapters beside one base: switch between them, stack them, add them up; and one adapter merged into W.

They work on saved adapters and an unmodified base. The names are the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import peft
import torch
from safetensors import safe_open
from torch import nn

from engine.adapt.kinds import Adaptation, Factors
from engine.contracts import SpecError


def attach(model: nn.Module, folders: Mapping[str, Path]) -> peft.PeftModel:
    """Load saved adapters beside one base; the first one is on.

    Args:
        folders: Name of each adapter -> its folder in PEFT's format.
    """
    names = list(folders)
    wrapped = peft.PeftModel.from_pretrained(model, folders[names[0]], adapter_name=names[0])
    for name in names[1:]:
        wrapped.load_adapter(folders[name], adapter_name=name)
    return wrapped.eval()


def switch(model: peft.PeftModel, name: str) -> None:
    """Let one adapter be on and all others off: W + ΔW of that one. Nothing is copied, so it takes no time."""
    stack(model, [name])


def stack(model: peft.PeftModel, names: Sequence[str]) -> None:
    """Let several adapters be on at once: W + ΔW₁ + ΔW₂ + ..."""
    _need(model, names)
    model.base_model.set_adapter(list(names))


def weighted_sum(model: peft.PeftModel, weights: Mapping[str, float], name: str) -> None:
    """Make a new adapter, and let it be on: ΔW = Σ wᵢ ΔWᵢ, exactly, of a rank that is the sum of the ranks.

    The factors are put side by side. Adding up the Bs and the As themselves would give products of one adapter's B with
    another's A, which no run has learned.

    Raises:
        SpecError: An adapter is unknown, or is a DoRA, whose ΔW is no product of factors.
    """
    _need(model, list(weights))
    if dora := [each for each in weights if model.peft_config[each].use_dora]:
        raise SpecError(f"adapters {', '.join(dora)} are DoRA, whose ΔW is no product B A; merge each into a base instead")
    model.base_model.add_weighted_adapter(list(weights), list(weights.values()), name, combination_type="cat")
    switch(model, name)


def tensor_bytes(folder: Path) -> int:
    """Bytes of the numbers in a saved adapter, without the file's header: 4 r (in + out) for each matrix of a LoRA in fp32."""
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        return sum(tensor.nbytes for tensor in map(file.get_tensor, file.keys()))


@contextmanager
def merged(adaptation: Adaptation) -> Iterator[None]:
    """Inside this context W + ΔW stands where W and its adapter stood, and costs what W alone costs.

    Plain linear layers take the places of the adapted ones, which come back afterwards untouched: unmerging by
    subtraction would leave rounding errors in W.
    """
    model, places = adaptation.model, []
    for matrix in adaptation.matrices():
        path, _, name = matrix.name.rpartition(".")
        parent, adapted = model.get_submodule(path), model.get_submodule(matrix.name)
        bias = adapted.get_base_layer().bias if hasattr(adapted, "get_base_layer") else adapted.bias
        places.append((parent, name, adapted, _plain(matrix.weight, matrix.delta, bias)))
    for parent, name, _, plain in places:
        setattr(parent, name, plain)
    try:
        yield
    finally:
        for parent, name, adapted, _ in places:
            setattr(parent, name, adapted)


@torch.no_grad()
def _plain(weight: torch.Tensor, delta: torch.Tensor | Factors, bias: torch.Tensor | None) -> nn.Linear:
    change = delta.B @ delta.A if isinstance(delta, Factors) else delta
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype, device=weight.device)
    layer.weight.copy_(weight.float() + change)
    if bias is not None:
        layer.bias.copy_(bias)
    return layer.requires_grad_(False)


def _need(model: peft.PeftModel, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in model.peft_config]:
        raise SpecError(f"no adapter is named {', '.join(missing)}; there are {', '.join(model.peft_config)}")
