"""10,000 random questions: an answer or a sentence, never a traceback; and monotone where it must be."""

from __future__ import annotations

import random

import pytest

from engine.contracts import SpecError
from engine.planner.answer import answer, plan
from engine.planner.families import FAMILIES, read_config
from engine.planner.options import CHOICES, read_options
from engine.trace.sample import random_config

JUNK = (None, -1, 0, 1, 7, 2**40, "4096", "", 1.5, True, [], {}, float("nan"), float("inf"))


def _random_question(dice):
    family = dice.choice(FAMILIES)
    config = random_config(dice, family if family not in ("granite", "mixtral", "qwen3_moe", "mt5", "gpt_bigcode") else "llama")
    config["model_type"] = family
    for _ in range(dice.choice((0, 0, 0, 1))):
        config[dice.choice([*config, "num_experts", "head_dim", "text_config"])] = dice.choice(JUNK)
    question = {"config": config}
    for name, values in CHOICES.items():
        if dice.random() < 0.15:
            question[name] = dice.choice(values) if dice.random() < 0.95 else dice.choice(("nonsense", *JUNK))
    for name in ("rank", "seq_len", "micro_batch", "gpus", "virtual_tokens", "accumulation", "tokens", "price", "gpu", "targets"):
        if dice.random() < 0.08:
            question[name] = dice.choice((1, 2, 8, 64, 512)) if dice.random() < 0.8 else dice.choice(JUNK)
    return question


def test_ten_thousand_random_questions_get_an_answer_or_a_sentence():
    dice = random.Random(7)
    answered = 0
    for _ in range(10_000):
        question = _random_question(dice)
        try:
            found = plan(question)
        except SpecError as error:
            assert error.problems and all("\n" not in p for p in error.problems), error.problems
        else:
            answered += 1
            assert found["peak_allocated_gib"] > 0 and all(v >= -1e-9 for v in found["terms_gib"].values()), (question, found)
    assert answered > 1500


def _peak(question, **changes):
    return answer(read_options({**question, **changes})).estimate.peak_bytes


FAMILY_NAMES = ["llama", "gemma2", "phi", "phi3", "gpt2", "gpt_neox", "opt", "falcon", "bloom", "t5", "qwen3"]
SEEDS = {name: number for number, name in enumerate(FAMILY_NAMES)}
CARDS = [(1, "ddp", "none"), (1, "ddp", "optimizer"), (1, "ddp", "all"),
         *((gpus, kind, "none") for gpus in (2, 8) for kind in CHOICES["sharding"]), (8, "zero3", "all")]  # fmt: skip


def _rise(question, changes):
    """What a change adds to the allocated and to the reserved peak; a drop is below 0."""
    before, after = (answer(read_options(q)).reserve for q in (question, {**question, **changes}))
    return min(after.allocated_gib / before.allocated_gib, after.reserved_gib / before.reserved_gib) - 1


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize(("gpus", "sharding", "offload"), CARDS)
def test_more_never_needs_less(family, method, gpus, sharding, offload):
    dice = random.Random(100 * SEEDS[family] + ("full", "lora", "qlora").index(method))
    for _ in range(2):
        question = {
            "config": random_config(dice, family),
            "method": method,
            "checkpointing": dice.choice(("none", "full", "selective")),
            "seq_len": 64,
            "gpus": gpus,
            "offload": offload,
            "gpu": "100000",
            **({"sharding": sharding} if gpus > 1 else {}),
        }
        layers = next(name for name in ("num_hidden_layers", "n_layer", "num_layers") if name in question["config"])
        deeper = {**question["config"], layers: question["config"][layers] + 4}
        if "num_decoder_layers" in deeper:
            deeper["num_decoder_layers"] = deeper[layers]
        changes = [{"micro_batch": 3}, {"seq_len": 256}, {"config": deeper}]
        if method != "full":
            changes.append({"rank": 64})  # the default is 16
        for change in changes:
            assert _rise(question, change) >= -1e-9, (question, change)


@pytest.mark.parametrize("config", [None, [], "x", {}, {"model_type": "unheard-of"}, {"model_type": ["llama"]}, {"model_type": "llama"},
                                    {"model_type": "llama", "hidden_size": "4096"}])  # fmt: skip
def test_refused_configs_name_a_field(config):
    with pytest.raises(SpecError, match="config"):
        read_config(config)
