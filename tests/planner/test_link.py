"""A link brings back the very question that was asked."""

from __future__ import annotations

import random

import pytest

from engine.contracts import SpecError
from engine.planner.answer import arch_of
from engine.planner.catalogue import model_ids
from engine.planner.families import FAMILIES, fields_read
from engine.planner.link import from_link, to_link
from engine.planner.options import CHOICES, FLAGS, read_options
from engine.trace.sample import random_config

NUMBERS = {"rank": 64, "virtual_tokens": 7, "seq_len": 1000, "micro_batch": 3, "accumulation": 5, "gpus": 8, "tokens_per_example": 300,
           "examples": 12_345_678, "tokens": 123_456_789.0, "epochs": 2.5, "price": 1.234567891}  # fmt: skip


def _random_question(dice):
    question = {"model": dice.choice(model_ids()), "gpu": dice.choice(("RTX 4090", "A6000", 24))}
    if dice.random() < 0.2:
        family = dice.choice(("llama", "gpt2", "t5", "gemma2", "falcon"))
        question["config"] = fields_read({**random_config(dice, family), "model_type": family})
        del question["model"]
    for name, values in CHOICES.items():
        if dice.random() < 0.25:
            question[name] = dice.choice(values)
    question |= {name: value for name, value in NUMBERS.items() if dice.random() < 0.15}
    question |= {name: True for name in FLAGS if dice.random() < 0.1}
    if dice.random() < 0.1:
        question["targets"] = dice.choice(("q,v", "all-linear", "q_proj,k_proj"))
    return question


def test_a_link_is_the_question():
    dice, tried = random.Random(3), 0
    while tried < 2_000:
        try:
            asked = read_options(_random_question(dice))
        except SpecError:
            continue
        tried += 1
        assert read_options(from_link(to_link(asked))) == asked


@pytest.mark.parametrize("question", [{"method": "full", "gpus": 8, "sharding": "ddp"}, {"weights": "fp32", "trainable_dtype": "bf16"}])
def test_a_choice_against_an_inferred_default_is_kept(question):
    asked = read_options({"model": "meta-llama/Llama-2-7b-hf", **question})
    assert read_options(from_link(to_link(asked))) == asked


def test_what_is_inferred_is_not_written():
    words = to_link(
        read_options({"model": "meta-llama/Llama-2-7b-hf", "method": "full", "gpus": 8, "examples": 10, "tokens_per_example": 9})
    )
    assert words == {"model": "meta-llama/Llama-2-7b-hf", "method": "full", "gpus": "8", "examples": "10", "tokens-per-example": "9"}


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in ("granite", "mixtral", "qwen3_moe", "mt5", "gpt_bigcode")])
def test_a_pasted_config_travels_without_what_nobody_reads(family):
    config = {**random_config(random.Random(1), family), "model_type": family, "architectures": ["X"], "transformers_version": "4.1"}
    asked = read_options({"config": config})
    back = read_options(from_link(to_link(asked)))
    assert arch_of(back) == arch_of(asked) and "architectures" not in back.config
