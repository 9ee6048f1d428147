"""What the adapter tests share: the ways to have a LoRA, one trained for a few steps, and a batch to compare on."""

from __future__ import annotations

import torch
from torch import nn

from engine.adapt import METHODS, Adaptation
from engine.catalog.defaults import default_spec
from engine.contracts import RunSpec
from engine.models import load
from engine.objectives import SFT
from engine.objectives.rows import Batch, collate, make_row
from engine.tasks import load as load_task
from engine.training.loop import optimise

MODEL = "nano-0.1m"
VARIANTS = {
    "plain": {},
    "rslora": {"scaling": "rslora"},
    "dora": {"dora": True},
    "pissa": {"init": "pissa"},
    "pissa-rslora-dora": {"init": "pissa", "scaling": "rslora", "dora": True},
}


def variant_spec(variant: str, method: str = "lora", **chosen) -> RunSpec:
    settings = {"steps": 6, "eval_every": 0, "dtype": "fp32", "learning_rate": 5e-3} | VARIANTS[variant] | chosen
    return default_spec(MODEL, "stories", method, **settings)


def fresh(spec: RunSpec) -> Adaptation:
    torch.set_num_threads(1)  # as a run of a nano model does
    torch.manual_seed(spec.seed)
    return METHODS[spec.method](load(spec.model, "bf16" if spec.dtype == "bf16" else "fp32")[0], spec)


def trained(spec: RunSpec) -> Adaptation:
    adaptation = fresh(spec)
    for _ in optimise(adaptation, SFT(adaptation, load(spec.model)[1], load_task("stories"), spec), spec):
        pass
    return adaptation


def some_batch(rows: int = 4) -> Batch:
    tokenizer = load(MODEL)[1]
    return collate([make_row(tokenizer, example, 128) for example in load_task("stories").train[:rows]], tokenizer.pad_token_id)


def logits_of(model: nn.Module, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions).logits
