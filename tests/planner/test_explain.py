"""A formula on the page, computed as it is printed, gives the figure beside it."""

from __future__ import annotations

import itertools
import re

import pytest

from engine.contracts import SpecError
from engine.planner.answer import answer
from engine.planner.explain import explain
from engine.planner.memory import GIB
from engine.planner.options import CHOICES, read_options

_PRODUCT = re.compile(r"^([\d,.]+) [a-z0-9 ]+ x ([\d.]+) bytes(?: / (\d+) cards)?$")


def _computed(formula: str) -> float:
    if formula.startswith("cuBLAS workspace"):
        return float(formula.split()[2]) * 2**20
    total = 0.0
    for part in formula.split(" + "):
        found = _PRODUCT.match(part)
        assert found, part
        total += float(found[1].replace(",", "")) * float(found[2]) / int(found[3] or 1)
    return total


def _grid():
    methods = [(method, weights) for method in CHOICES["method"] for weights in CHOICES["weights"]]
    shapes = ({}, {"gpus": 8, "sharding": "zero1"}, {"gpus": 8, "sharding": "zero3"}, {"offload": "optimizer"}, {"offload": "all"})
    models = ("meta-llama/Llama-2-7b-hf", "mistralai/Mixtral-8x7B-v0.1")
    for model, (method, weights), objective, optimizer, shape in itertools.product(
        models, methods, ("sft", "dpo", "rlhf"), CHOICES["optimizer"], shapes
    ):
        for dtype in CHOICES["trainable_dtype"]:
            yield {"model": model, "method": method, "weights": weights, "objective": objective, "optimizer": optimizer,
                   "trainable_dtype": dtype, **({"reference": "copy"} if objective == "dpo" else {}), **shape}  # fmt: skip


def test_printed_arithmetic_gives_every_standing_figure():
    terms = 0
    for question in itertools.islice(_grid(), 0, None, 7):
        try:
            found = answer(read_options(question))
        except SpecError:
            continue
        for term in explain(found):
            step_only = term.name == "gradients" and found.estimate.phase == "step"
            if step_only or term.name in ("weights", "quant_constants", "adapters", "optimizer", "framework"):
                assert _computed(term.formula) == pytest.approx(term.gib * GIB, rel=1e-3), (question, term)
                terms += 1
    assert terms > 1000


def test_master_copy_and_reference_are_named():
    mixed = {term.name: term for term in explain(answer(read_options({"model": "meta-llama/Llama-2-7b-hf", "method": "full", "trainable_dtype": "fp32"})))}  # fmt: skip
    assert "fp32 master copies x 4 bytes" in mixed["optimizer"].formula and "x 2 bytes" in mixed["gradients"].formula
    dpo = {term.name: term for term in explain(answer(read_options({"model": "meta-llama/Llama-2-7b-hf", "objective": "dpo", "reference": "copy"})))}  # fmt: skip
    assert "parameters of the reference x 2 bytes" in dpo["weights"].formula
