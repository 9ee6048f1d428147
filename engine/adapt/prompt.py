"""Prompt tuning: freeze the model and learn k vectors that stand before the input. Lester et al. 2021, arXiv 2104.08691, §2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peft
import torch
from torch import nn

from engine.adapt.kinds import Matrix
from engine.adapt.virtual import save_virtual, see_virtual, start_vectors
from engine.contracts import RunSpec


class PromptTuning:
    """Learns P (k, d): the model reads [P; E(x)] in place of the embeddings E(x) of the input x.

    Positions are counted so that padding does not come between P and x: P stands at 0 to k - 1, the first token at k.
    """

    def __init__(self, model: nn.Module, spec: RunSpec) -> None:
        self.model = model.requires_grad_(False)
        self.start = start_vectors(model, spec)
        self.vectors = self.start.clone().requires_grad_(True)
        self._on = True
        self._as_base_does = model.base_model.forward
        model.base_model.forward = self._forward

    def _forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: torch.Tensor, **rest: Any):
        """The decoder's forward with P before the tokens, and the hidden states of the tokens alone, (b, s, d).

        In cached decoding P is read with the prompt; later tokens find its keys and values in the cache.
        """
        if not self._on:
            return self._as_base_does(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, **rest)
        k, (b, s) = len(self.vectors), input_ids.shape
        embeddings, positions = self.model.get_input_embeddings()(input_ids), position_ids + k
        cache = rest.get("past_key_values")
        if cache is None or cache.get_seq_length() == 0:
            learned = self.vectors.to(embeddings.dtype).expand(b, -1, -1)
            embeddings = torch.cat([learned, embeddings], dim=1)
            positions = torch.cat([torch.arange(k, device=positions.device).expand(b, -1), positions], dim=1)
        rest |= {"inputs_embeds": embeddings, "attention_mask": see_virtual(attention_mask, k), "position_ids": positions}
        out = self._as_base_does(**rest)
        out.last_hidden_state = out.last_hidden_state[:, -s:]
        return out

    def trainable(self) -> list[torch.Tensor]:
        return [self.vectors]

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: the forward pass reads the very tensor that the optimizer moves."""

    @contextmanager
    def as_base(self) -> Iterator[None]:
        self._on = False
        try:
            yield
        finally:
            self._on = True

    def matrices(self) -> Iterator[Matrix]:
        """One: P at the start (k, d), and how far it moved."""
        yield Matrix("prompt", self.start, self.vectors.detach() - self.start)

    def beside_words(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """P as learned and at the start, (k, d), and the embeddings of all real tokens, (vocabulary, d)."""
        return self.vectors.detach(), self.start, self.model.get_input_embeddings().weight

    def save(self, folder: Path) -> None:
        heads = self.model.config.num_attention_heads
        save_virtual(folder / "adapter", self.model, peft.PromptTuningConfig, self.vectors.detach(), self.vectors.shape[1], heads)
