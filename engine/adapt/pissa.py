"""PiSSA: let the adapter start as the leading directions of W. Meng et al. 2024, arXiv 2404.02948, §3, Eq. 2 to 4.

W = W_res + s B₀ A₀. Training moves B and A and leaves W_res alone, so ΔW = s (B A - B₀ A₀): not zero-started noise
beside W, but a change of the part of W that matters most.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import peft
import torch
from safetensors.torch import save_file

from engine.adapt.kinds import Factors

EXACT_UP_TO = 256
"""Matrices with a side of at most this are split by an exact SVD, larger ones by a randomised one: any subspace splits exactly."""


@torch.no_grad()
def start_from_leading_directions(layer: peft.tuners.lora.Linear) -> Factors:
    """Put the leading r directions of W into B and A, and the rest in W's place; returns B₀ and A₀ (without the scale s)."""
    base, s = layer.get_base_layer(), layer.scaling["default"]
    W = base.weight.float()
    A, B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    r = len(A)
    if min(W.shape) <= EXACT_UP_TO:
        left, values, right = torch.linalg.svd(W, full_matrices=False)
    else:
        left, values, v = torch.svd_lowrank(W, q=min(r + 16, *W.shape), niter=4)
        right = v.T
    root = (values[:r] / s).sqrt()
    B.copy_(left[:, :r] * root)
    A.copy_(root[:, None] * right[:r])
    base.weight.data = (W - s * B @ A).to(base.weight.dtype)
    return Factors(B.clone(), A.clone())


@contextmanager
def swapped(pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[None]:
    """Inside this context the first tensor of each pair holds the second one's numbers."""
    pairs = list(pairs)
    mine = [tensor.data for tensor, _ in pairs]
    for tensor, other in pairs:
        tensor.data = other
    try:
        yield
    finally:
        for (tensor, _), data in zip(pairs, mine, strict=True):
            tensor.data = data


def save_for_whole_base(model: peft.PeftModel, start: Mapping[str, Factors], folder: Path) -> None:
    """Save as a plain LoRA of rank 2r for the unmodified W: B A - B₀ A₀ = [B, -B₀] [A; A₀].

    A DoRA magnitude goes with it as it is, since the norm that divides it is that of the same matrix either way.
    """
    state = dict(peft.get_peft_model_state_dict(model))
    for name, (B0, A0) in start.items():
        a, b = (f"base_model.model.{name}.lora_{side}.weight" for side in "AB")
        state[a] = torch.cat([state[a], A0])
        state[b] = torch.cat([state[b], -B0], dim=1)
    config = copy.deepcopy(model.peft_config["default"])
    config.r *= 2
    config.lora_alpha *= 2**0.5 if config.use_rslora else 2  # so that the scale stays s
    config.inference_mode = True
    config.base_model_name_or_path = model.get_base_model().name_or_path
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "adapter_model.safetensors", {"format": "pt"})
    config.save_pretrained(folder)
