"""Prefix tuning: freeze the model and learn k keys and values for every layer. Li & Liang 2021, arXiv 2101.00190, §4.2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peft
import torch
from torch import nn
from transformers import DynamicCache

from engine.adapt.kinds import Matrix
from engine.adapt.virtual import save_virtual, see_virtual, start_keys_values
from engine.contracts import RunSpec


class PrefixTuning:
    """Learns keys and values (k, layers, 2, heads, head size), which stand in the cache before the first token.

    They are used as they are, as if the model had computed them at the positions 0 to k - 1.
    """

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        self.model = model.requires_grad_(False)
        self.start = start_keys_values(model, spec)
        self._learned = self.start.clone().requires_grad_(True)
        self._network: nn.Module | None = None
        if spec.reparametrise:
            self._network = network(len(self.start), model.config.hidden_size, self.start[0].numel()).to(self.start.device)
        self._on = True
        self._as_base_does = model.base_model.forward
        model.base_model.forward = self._forward

    def keys_values(self) -> torch.Tensor:
        """What stands in the cache, (k, layers, 2, heads, head size), fp32."""
        if self._network is None:
            return self._learned
        return self.start + self._network(torch.arange(len(self.start), device=self.start.device)).view_as(self.start)

    def _forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: torch.Tensor, **rest: Any):
        """The decoder's forward with a cache that already holds the learned keys and values."""
        if self._on:
            k = len(self.start)
            cache = rest.pop("past_key_values", None) or DynamicCache(config=self.model.config)
            if cache.get_seq_length() == 0:
                by_layer = self.keys_values().to(self.model.dtype).permute(1, 2, 3, 0, 4)  # layer, key or value, head, position, number
                for layer, (keys, values) in enumerate(by_layer):
                    cache.update(keys.expand(len(input_ids), -1, -1, -1), values.expand(len(input_ids), -1, -1, -1), layer)
            rest["past_key_values"] = cache
            attention_mask, position_ids = see_virtual(attention_mask, k), position_ids + k
        return self._as_base_does(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, **rest)

    def trainable(self) -> list[torch.Tensor]:
        return [self._learned] if self._network is None else list(self._network.parameters())

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: the forward pass reads the very tensors that the optimizer moves."""

    @contextmanager
    def as_base(self) -> Iterator[None]:
        self._on = False
        try:
            yield
        finally:
            self._on = True

    @torch.no_grad()
    def matrices(self) -> Iterator[Matrix]:
        """Two a layer: keys and values at the start, (k, heads x head size), and how far they moved."""
        moved = self.keys_values() - self.start
        for layer in range(self.start.shape[1]):
            for which, kind in enumerate(("keys", "values")):
                yield Matrix(f"prefix.{layer}.{kind}", self.start[:, layer, which].flatten(1), moved[:, layer, which].flatten(1))

    @torch.no_grad()
    def beside_words(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """First layer's values as learned and at the start, (k, d'), and those of all real tokens, (vocabulary, d').

        Values depend on no position and, in the first layer, on no other token: only there a word has one vector of its own.
        """
        first = self.model.base_model.layers[0]
        words = first.self_attn.v_proj(first.input_layernorm(self.model.get_input_embeddings().weight))
        return self.keys_values()[:, 0, 1].flatten(1), self.start[:, 0, 1].flatten(1), words

    @torch.no_grad()
    def save(self, folder: Path) -> None:
        """PEFT's format: keys and values alone; a network has done its work and is dropped."""
        k, _, _, heads, size = self.start.shape
        save_virtual(folder / "adapter", self.model, peft.PrefixTuningConfig, self.keys_values().reshape(k, -1), heads * size, heads)


def network(k: int, d: int, numbers: int) -> nn.Sequential:
    """From position to its keys and values, (k,) to (k, numbers). Li & Liang 2021, §4.3; it starts at zero, so that training starts at the text."""
    made = nn.Sequential(nn.Embedding(k, d), nn.Linear(d, d), nn.Tanh(), nn.Linear(d, numbers))
    nn.init.zeros_(made[-1].weight)
    nn.init.zeros_(made[-1].bias)
    return made
