"""What a soft prompt became: the real words nearest to each learned vector, and how much the model looks at it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F

from engine.adapt import Adaptation, PrefixTuning, PromptTuning
from engine.objectives.rows import IGNORE, Batch

KEPT_VECTORS = 24
NEAREST = 5


class Near(NamedTuple):
    """A real token beside a learned vector."""

    id: int
    text: str
    cosine: float


@torch.no_grad()
def nearest_tokens(vectors: torch.Tensor, embedding: torch.Tensor, tokenizer, n: int = NEAREST) -> list[list[Near]]:
    """For each of the vectors (k, d) the n tokens of the table (V, d) with the greatest cosine, best first."""
    cosine = F.normalize(vectors.float(), dim=1) @ F.normalize(embedding.float(), dim=1).T
    best = cosine.topk(min(n, len(embedding)), dim=1)
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [[Near(i, tokenizer.decode([i]), c) for i, c in zip(ids, values, strict=True)] for ids, values in pairs]


@torch.no_grad()
def attention_to_virtual(adaptation: Adaptation, batch: Batch) -> torch.Tensor:
    """Share of attention that each virtual position gets at each layer, (layers, k): mean over heads and the tokens of the answers.

    Only eager attention hands its weights out, so the model is switched to it and back.
    """
    model, s = adaptation.model, batch.ids.shape[1]
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    out = model.eval().base_model(
        input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False, output_attentions=True
    )  # fmt: skip
    model.set_attn_implementation(usual)
    answer = batch.labels != IGNORE
    return torch.stack([paid[:, :, -s:, :-s].float().mean(1)[answer].mean(0) for paid in out.attentions])


@torch.no_grad()
def write_soft_prompt(adaptation: PromptTuning | PrefixTuning, tokenizer, batch: Batch, folder: Path) -> None:
    """Write `soft_prompt.json`: at most 24 learned vectors, where they started, words near them, attention to them.

    Vectors are fp16, row after row, in base64: `numpy.frombuffer(b64decode(text), "<f2").reshape(-1, d)`. The words' own
    vectors stand beside them, so that both can be drawn in one plane.
    """
    learned, start, table = adaptation.beside_words()
    near = nearest_tokens(learned[:KEPT_VECTORS], table, tokenizer)
    words: Sequence[Near] = list({found[0].id: found[0] for found in near}.values())
    about = {
        "virtual_tokens": len(learned),
        "d": learned.shape[1],
        "space": "token embeddings" if isinstance(adaptation, PromptTuning) else "values of the first layer",
        "vectors": packed(learned[:KEPT_VECTORS]),
        "start": packed(start[:KEPT_VECTORS]),
        "nearest": [[{"token": token.text, "cosine": round(token.cosine, 4)} for token in found] for found in near],
        "words": {"tokens": [word.text for word in words], "vectors": packed(table[[word.id for word in words]])},
        "attention": [[round(share, 5) for share in layer] for layer in attention_to_virtual(adaptation, batch).tolist()],
    }
    (folder / "soft_prompt.json").write_text(json.dumps(about))


def packed(vectors: torch.Tensor) -> str:
    """Little-endian fp16, row after row, as base64."""
    return base64.b64encode(vectors.detach().cpu().half().numpy().astype("<f2").tobytes()).decode()
