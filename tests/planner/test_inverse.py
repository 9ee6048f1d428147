"""Ways to fit, and questions asked backwards, agree with asking forwards."""

from __future__ import annotations

import random

import pytest

from engine.planner.answer import answer
from engine.planner.inverse import cell_verdict, cheapest_cards, fit_map, largest_batch, largest_length, largest_models
from engine.planner.link import from_link, to_link
from engine.planner.options import CHOICES, read_options
from engine.planner.script import launch_script
from engine.planner.ways import combination, ways

SEVENTY = {"model": "meta-llama/Llama-2-70b-hf", "method": "qlora", "rank": 16, "targets": "all-linear", "checkpointing": "full"}


def _ask(**values):
    return answer(read_options(values))


def test_seventy_billion_on_24_and_48():
    small, large = _ask(**SEVENTY, gpu="24"), _ask(**SEVENTY, gpu="48")
    assert small.verdict == "exceeds" and large.verdict in ("fits", "tight")
    assert any("cards" in way.name and way.verdict == "fits" for way in ways(small))


def test_a_combination_fits():
    asked = _ask(model="mistralai/Mistral-7B-v0.1", method="full", seq_len=2048, micro_batch=4, gpu="24")
    taken = combination(asked)
    assert asked.verdict == "exceeds" and taken and taken[-1].verdict == "fits"


def test_every_way_saves_and_is_sorted_by_verdict():
    found = ways(_ask(model="mistralai/Mistral-7B-v0.1", method="lora", seq_len=2048, micro_batch=8, gpu="24"))
    order = [{"fits": 0, "tight": 1, "exceeds": 2}[way.verdict] for way in found]
    assert len(found) > 3 and order == sorted(order) and all(way.saved_gib > 0 for way in found)


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_largest_batch_is_the_edge(method):
    options = read_options({"model": "meta-llama/Llama-3.1-8B", "method": method, "checkpointing": "full", "seq_len": 1024, "gpu": "48"})
    most = largest_batch(options)
    assert answer(read_options({**options.as_dict(), "micro_batch": most})).verdict == "fits"
    assert answer(read_options({**options.as_dict(), "micro_batch": most + 1})).verdict != "fits"
    assert largest_length(options) >= 1024


def test_map_agrees_with_single_answers():
    options = read_options(
        {"model": "meta-llama/Llama-3.1-8B", "method": "lora", "checkpointing": "full", "seq_len": 512, "micro_batch": 2}
    )
    found = fit_map(options, (1, 2, 8), (256, 512, 2048))
    assert found.reserved_gib[1, 1] == pytest.approx(answer(options).reserve.reserved_gib, rel=0.02)
    assert (found.reserved_gib[1:] >= found.reserved_gib[:-1]).all() and (found.reserved_gib[:, 1:] >= found.reserved_gib[:, :-1]).all()


def test_models_and_cards_that_are_named_fit():
    options = read_options({"model": "meta-llama/Llama-3.1-8B", "method": "qlora", "checkpointing": "full", "gpu": "RTX 4090"})
    assert all(found.verdict == "fits" for _, _, found in largest_models(options))
    cards = cheapest_cards(options)
    assert cards and all(found.verdict == "fits" for found in cards)


def test_a_link_holds_the_question():
    options = read_options({**SEVENTY, "gpu": "48", "tokens": 1e7, "price": 1.5, "dynamic_padding": True, "logits": "fused"})
    assert read_options(from_link(to_link(options))) == options


@pytest.mark.parametrize("method", ["full", "lora", "qlora", "prompt", "prefix"])
def test_launch_script_is_python(method):
    compile(launch_script(read_options({"model": "meta-llama/Llama-3.1-8B", "method": method})), "finetune.py", "exec")


@pytest.mark.parametrize(("sharding", "divides"), [("zero1", ["optimizer"]), ("zero2", ["optimizer"]), ("zero3", ["optimizer", "weights"]),
                                                   ("fsdp", ["optimizer", "weights"])])  # fmt: skip
def test_sharding_divides_by_the_number_of_cards(sharding, divides):
    question = {"model": "meta-llama/Llama-3.1-8B", "method": "full", "checkpointing": "full"}
    one, eight = _ask(**question), _ask(**question, gpus=8, sharding=sharding)
    for name in divides:
        assert eight.estimate.standing.terms_bytes[name] == pytest.approx(one.estimate.standing.terms_bytes[name] / 8)
    assert eight.estimate.peak_bytes < one.estimate.peak_bytes
    assert sum(eight.estimate.terms_bytes.values()) == pytest.approx(eight.estimate.peak_bytes)


def _random_question(dice):
    method = dice.choice(("full", "lora", "qlora", "prompt", "prefix", "head"))
    question = {
        "model": dice.choice(("meta-llama/Llama-2-7b-hf", "Qwen/Qwen3-4B", "openai-community/gpt2", "mistralai/Mixtral-8x7B-v0.1",
                              "google/gemma-2-2b", "google/flan-t5-large")),
        "method": method, "checkpointing": "none" if method == "prefix" else dice.choice(("none", "selective", "full")),
        "accumulation": dice.choice((1, 4)), "gpu": dice.choice(("RTX 4090", "A100 80GB SXM", "16")),
        "attention": dice.choice(("eager", "sdpa")), "logits": dice.choice(("whole", "legacy", "fused")),
        "offload": dice.choice(("none", "none", "optimizer", "all")), "dynamic_padding": dice.random() < 0.3,
    }  # fmt: skip
    if question["dynamic_padding"] and dice.random() < 0.5:
        question["tokens_per_example"] = 100
    if dice.random() < 0.6:
        question |= {"gpus": dice.choice((2, 8)), "sharding": dice.choice(CHOICES["sharding"])}
    if method != "head" and "t5" not in question["model"]:
        question["objective"] = dice.choice(("sft", "sft", "dpo", "rlhf"))
    return question


def test_every_cell_of_the_map_is_the_answer():
    dice = random.Random(11)
    batches, lengths = (1, 2, 7, 32), (33, 128, 512)
    for _ in range(120):
        question = _random_question(dice)
        found = fit_map(read_options(question), batches, lengths)
        row, column = dice.randrange(len(batches)), dice.randrange(len(lengths))
        said = answer(read_options({**question, "micro_batch": batches[row], "seq_len": lengths[column]}))
        cell = (found.low_gib[row, column], found.reserved_gib[row, column], found.high_gib[row, column])
        low, high = said.reserve.reserved_interval_gib
        assert cell == pytest.approx((low, said.reserve.reserved_gib, high), rel=1e-9), question
        assert cell_verdict(found, row, column) == said.verdict


def test_a_full_70b_finds_a_node():
    asked = {"model": "meta-llama/Llama-2-70b-hf", "method": "full", "checkpointing": "full"}
    found = cheapest_cards(read_options(asked))
    assert found and all(card.options.gpus * card.gpu.usable_gib > 645 for card in found)


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_virtual_tokens_take_positions(method):
    options = read_options({"model": "openai-community/gpt2", "method": method, "virtual_tokens": 100})
    assert largest_length(options) == 924
