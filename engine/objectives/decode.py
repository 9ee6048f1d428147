"""Letting a model speak: the next token, again and again, for many prompts at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import DynamicCache

from engine.adapt.four_bit import unpacked


@torch.inference_mode()
def decode(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    pad_id: int,
    max_new_tokens: int,
    temperature: float = 0.0,
    draw: torch.Generator | None = None,
) -> list[list[int]]:
    """Continue each prompt until the end mark, which is left out, or `max_new_tokens`.

    Args:
        prompts: Token ids of each prompt, of any lengths; padded on the left here.
        temperature: 0 takes the likeliest token (greedy); above 0 samples from softmax(logits / temperature).
        draw: Source of chance for sampling, on the model's device.

    A row that has ended leaves the batch, so the rest go faster; the keys and values of what was read are kept.
    """
    if not prompts:
        return []
    model.eval()
    stops = end_ids(model)
    asked = list(dict.fromkeys(map(tuple, prompts)))  # a prompt that is sampled from several times is read once
    width = max(map(len, asked))
    ids = torch.tensor([[pad_id] * (width - len(p)) + list(p) for p in asked], device=model.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in asked], device=model.device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    said: list[list[int]] = [[] for _ in prompts]
    rows, cache = list(range(len(prompts))), DynamicCache(config=model.config)
    with unpacked(model):
        for place in range(max_new_tokens):
            logits = next_logits(model, ids, mask, positions, cache)
            if place == 0 and len(asked) < len(prompts):
                each = torch.tensor([asked.index(tuple(p)) for p in prompts], device=model.device)
                logits, mask, positions = logits[each], mask[each], positions[each]
                cache.batch_select_indices(each)
            ids = pick(logits, temperature, draw)
            tokens = ids[:, 0].tolist()
            kept = [i for i, token in enumerate(tokens) if token not in stops]
            for i in kept:
                said[rows[i]].append(tokens[i])
            if not kept:
                break
            positions = positions[:, -1:] + 1
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
            if len(kept) < len(rows):
                chosen = torch.tensor(kept, device=model.device)
                ids, mask, positions, rows = ids[chosen], mask[chosen], positions[chosen], [rows[i] for i in kept]
                cache.batch_select_indices(chosen)
    return said


def next_logits(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    """Logits (b, vocabulary) of the token after the last; fills the cache with the keys and values of `ids` (b, s)."""
    # Named by its index the last place comes as a copy; as a slice, torch would copy a frozen output layer for each of the b rows.
    last = torch.tensor([ids.shape[1] - 1], device=ids.device)
    out = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=last
    )  # fmt: skip
    return out.logits[:, -1]


def pick(logits: torch.Tensor, temperature: float, draw: torch.Generator | None) -> torch.Tensor:
    """One token for each row, (b, 1)."""
    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    # One number a row, put through the distribution function; torch.multinomial draws one for each token of the vocabulary.
    below = (logits.float() / temperature).softmax(-1).cumsum(-1)
    drawn = below[:, -1:] * torch.rand(len(below), 1, generator=draw, device=below.device)
    return torch.searchsorted(below, drawn, right=True).clamp(max=below.shape[1] - 1)


def end_ids(model: nn.Module) -> set[int]:
    """The tokens that end an answer, as the model's own generation settings name them."""
    ends = model.generation_config.eos_token_id
    return set(ends) if isinstance(ends, list) else {ends}
