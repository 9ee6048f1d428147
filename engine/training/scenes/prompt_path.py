"""The way of each learned prompt vector among the real token embeddings."""

from __future__ import annotations

import numpy as np

from engine.adapt import PromptTuning
from engine.catalog.defaults import default_spec
from engine.training.observe import Run
from engine.training.scenes.keep import keep, snapshots
from engine.training.soft_prompt import nearest_tokens

MOST_WORDS = 300


def record(model: str) -> None:
    """Arrays: `steps` (t,), `vectors` (t, k, d) and `embeddings` (n, d) of the n most frequent real tokens, fp16.

    `about` holds `tokens`, the text of each of the n, and `nearest`, for each learned vector at its end the nearest of all tokens.
    """
    run = Run(default_spec(model, method="prompt"), None, False)
    assert isinstance(run.adaptation, PromptTuning)
    taken = snapshots(run, lambda: run.adaptation.vectors.detach().cpu().numpy().astype(np.float16))
    learned, _, table = run.adaptation.beside_words()
    near = [[token.text for token in found] for found in nearest_tokens(learned, table, run.tokenizer)]
    shown = range(min(MOST_WORDS, len(table)))  # a tokenizer's vocabulary begins with what is most frequent
    arrays = {
        "steps": np.array([step for step, _ in taken]),
        "vectors": np.stack([vectors for _, vectors in taken]),
        "embeddings": table[: len(shown)].detach().float().cpu().numpy().astype(np.float16),
    }
    keep(f"prompt-path-{model}", [run.spec], arrays, run, tokens=[run.tokenizer.decode([i]) for i in shown], nearest=near)
