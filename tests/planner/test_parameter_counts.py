"""Counts against the real transformers classes, built without weights on the meta device."""

from __future__ import annotations

import pytest

from engine.planner.catalogue import entries, find, model_ids


def _real_count(config: dict) -> int:
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind = config["model_type"]
    fields = {key: value for key, value in config.items() if key != "model_type"}
    real = AutoConfig.for_model(kind, **fields)
    loader = {"t5": AutoModelForSeq2SeqLM, "bert": AutoModel, "roberta": AutoModel}.get(kind, AutoModelForCausalLM)
    with torch.device("meta"):
        return sum(p.numel() for p in loader.from_config(real).parameters())


@pytest.mark.parametrize("model", model_ids())
def test_count_equals_the_real_class(model):
    assert find(model).total_params == _real_count(entries()[model]["config"])


def test_catalogue_covers_the_families():
    assert len(model_ids()) >= 80
    published = [(name, e["published_params"]) for name, e in entries().items() if e["published_params"]]
    assert len(published) >= 80
    wrong = [name for name, count in published if find(name).total_params + _stored_head(name) != count]
    assert wrong == []


def _stored_head(name: str) -> int:
    """FLAN-T5's files hold an output matrix of their own, which transformers 5 ties to the embedding."""
    arch = find(name)
    return arch.vocab * arch.hidden if entries()[name].get("stored_head") else 0
