"""A fault for the clinic: the same model with a few large weights, which a scale shared by a block cannot bear.

Large models come by such weights on their own (Dettmers et al. 2022, arXiv 2208.07339, §3.2: few channels, and large ones).
"""

from __future__ import annotations

import torch
from torch import nn

from engine.contracts import SpecError

FACTOR = 32.0
"""A power of two, so that in floating point the stretched model computes the very numbers that it did before."""
APART = 64
"""Channels from one stretched channel to the next: as many as share a scale, so hardly a block is left without one."""
READERS = {"input_layernorm": ("q_proj", "k_proj", "v_proj"), "post_attention_layernorm": ("gate_proj", "up_proj")}
"""Norm of a Llama block -> the layers that read what it gives, and nothing else does."""


@torch.no_grad()
def stretch_channels(model: nn.Module) -> None:
    """Make every 64th channel of each norm 32 times smaller, and the weights (out, in) that read it 32 times larger.

    Raises:
        SpecError: The model's blocks are not built as Llama's.
    """
    blocks = [module for module in model.modules() if all(hasattr(module, norm) for norm in READERS)]
    if not blocks:
        raise SpecError("fault=outlier is made in blocks like Llama's, and this model has none; use a nano model or SmolLM2")
    for block in blocks:
        layers = dict(block.named_modules())
        for norm, readers in READERS.items():
            layers[norm].weight[::APART] /= FACTOR
            for name, layer in layers.items():
                if name.rpartition(".")[2] in readers:
                    layer.weight[:, ::APART] *= FACTOR
