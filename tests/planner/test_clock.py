"""Speed: the rate of the type that is computed in, what more models cost, what is moved, and where the band is an assumption."""

from __future__ import annotations

import pytest

from engine.planner import clock
from engine.planner.answer import answer, arch_of
from engine.planner.catalogue import find
from engine.planner.hardware import find_gpu, gpus
from engine.planner.inverse import cheapest_cards
from engine.planner.options import read_options
from engine.planner.ways import ways

LLAMA = {"model": "meta-llama/Llama-2-7b-hf", "micro_batch": 8, "checkpointing": "full"}
ARCH = find("meta-llama/Llama-2-7b-hf")


def _options(**values):
    return read_options({**LLAMA, **values})


def _ask(**values):
    return answer(_options(**values))


def _middle(a):
    low, high = a.tokens_per_second
    return (low * high) ** 0.5


@pytest.mark.parametrize(("gpu", "fp32", "half"), [("V100 32GB SXM2", 15.7, 125), ("T4", 8.1, 65), ("A100 80GB SXM", 19.5, 312)])
def test_fp32_runs_at_the_listed_fp32_rate(gpu, fp32, half):
    options = _options(method="full", weights="fp32", autocast="none")
    assert clock.dense_tflops(options, find_gpu(gpu)) == fp32
    assert clock.dense_tflops(_options(method="lora", weights="fp16"), find_gpu(gpu)) == half


def test_a_card_without_bf16_computes_it_in_fp32_and_says_so():
    found = _ask(method="lora", gpu="RTX 2080 Ti")
    assert clock.dense_tflops(found.options, found.gpu) == 13.45
    assert any("no bf16" in note for note in found.notes)
    assert not any("no bf16" in note for note in _ask(method="lora", weights="fp16", gpu="RTX 2080 Ti").notes)
    assert not any("no bf16" in note for note in _ask(method="lora", gpu="RTX 3090").notes)


def test_cards_without_bf16_are_offered_for_fp16_only():
    without = {name for name, gpu in gpus().items() if not gpu.has_bf16}
    assert {"T4", "V100 16GB SXM2", "RTX 2080 Ti", "P100 16GB PCIe"} <= without
    small = {"model": "openai-community/gpt2", "method": "lora"}
    assert not {card.gpu.name for card in cheapest_cards(read_options(small), 50)} & without
    assert {card.gpu.name for card in cheapest_cards(read_options({**small, "weights": "fp16"}), 50)} & without


LITTLE = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "vocab_size": 256,
    "max_position_embeddings": 512,
}


@pytest.mark.parametrize("checkpointing", ["none", "full"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_equal_layers_write_equally_much(method, checkpointing):
    """Up to three layers are played one by one, more are counted."""

    def written(layers):
        options = read_options({"config": {**LITTLE, "num_hidden_layers": layers}, "method": method, "checkpointing": checkpointing})
        return clock.written_bytes(options, arch_of(options))

    assert written(10) - written(9) == pytest.approx(written(3) - written(2))
    assert written(10) - written(9) > 0


def test_scores_that_are_written_out_are_counted():
    eager, flash = (clock.written_bytes(_options(method="lora", attention=word), ARCH) for word in ("eager", "flash"))
    scores = 8 * 32 * 512 * 512 * 2 * ARCH.layers  # of one batch, heads x length x length in 16 bits
    assert 6 * scores < eager - flash < 40 * scores


def test_an_optimizer_writes_its_passes_once_a_step():
    plain, fused, spread = (
        clock.step_bytes(_options(method="full", **changes), ARCH)
        for changes in ({}, {"optimizer": "adamw-fused"}, {"gpus": 8, "sharding": "zero2"})
    )
    assert plain == 16 * ARCH.total_params and fused == 6 * ARCH.total_params and spread == plain / 8
    assert clock.step_bytes(_options(method="full", offload="optimizer"), ARCH) == 0


def test_no_card_is_said_to_be_faster_than_its_listed_rate():
    found = _ask(method="full", gpu="H100 SXM", micro_batch=16)
    most = found.gpu.tflops * 1e12 / clock.flops_per_token(found.options, found.arch)
    assert found.tokens_per_second[1] <= most * (1 + 1e-9)


def test_dpo_is_a_step_and_a_reference_pass():
    alone, with_reference = (clock.flops_per_token(_options(objective="dpo", method="lora", reference=word), ARCH)
                             for word in ("precomputed", "adapter-off"))  # fmt: skip
    forward = 2 * (ARCH.total_params - ARCH.embed_params) + 4 * 512 * 4096 * 32 * 0.5
    assert alone == clock.flops_per_token(_options(method="lora"), ARCH)
    assert with_reference - alone == pytest.approx(forward)


def test_rlhf_counts_four_readings_two_learners_and_the_writing():
    sft, rlhf = _options(method="lora"), _options(method="lora", objective="rlhf")
    forward = 2 * (ARCH.total_params - ARCH.embed_params) + 4 * 512 * 4096 * 32 * 0.5
    assert clock.flops_per_token(rlhf, ARCH) == pytest.approx(2 * clock.flops_per_token(sft, ARCH) + 4 * forward)
    card = find_gpu("A100 80GB SXM")
    fast, slow = clock.generation_seconds(rlhf, ARCH, card)
    weights = 2 * ARCH.total_params
    assert slow >= 256 * weights / (0.5 * 2039e9) and fast >= 256 * weights / (0.9 * 2039e9)
    twice = clock.generation_seconds(_options(method="lora", objective="rlhf", micro_batch=16), ARCH, card)
    assert twice == (fast, slow), "one reading of the weights serves the whole batch"
    said, plain = _ask(method="lora", objective="rlhf"), _ask(method="lora")
    assert said.tokens_per_second[1] < plain.tokens_per_second[1] / 4
    assert said.tokens_per_second[1] / said.tokens_per_second[0] > plain.tokens_per_second[1] / plain.tokens_per_second[0]
    assert said.speed_assumed and any("half of each sequence" in note for note in said.notes)


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"offload": "optimizer"}, 2 + 2),
        ({"offload": "optimizer", "accumulation": 4}, 1),
        ({"offload": "optimizer", "gpus": 8, "sharding": "zero2"}, 0.5),
        ({"offload": "all"}, 2 * 2 + 2),
        ({"optimizer": "paged-adamw-32bit"}, 16),
        ({"optimizer": "paged-adamw-8bit"}, 4),
        ({}, 0),
    ],
)
def test_moved_bytes_for_each_parameter(changes, moved):
    assert clock.moved_bytes(_options(method="full", **changes), ARCH) == pytest.approx(moved * ARCH.total_params)


@pytest.mark.parametrize("offload", ["optimizer", "all"])
def test_offload_slows_both_ends_by_the_link(offload):
    plain, moved = _ask(method="full", micro_batch=1), _ask(method="full", micro_batch=1, offload=offload)
    assert moved.tokens_per_second[0] < plain.tokens_per_second[0] and moved.tokens_per_second[1] < plain.tokens_per_second[1]
    faster = _ask(method="full", micro_batch=1, offload=offload, gpu="H100 SXM")
    link = clock.moved_bytes(moved.options, ARCH) / 0.9e9
    assert moved.tokens_per_second[1] == pytest.approx(512 / (link / 31.5), rel=0.01)
    assert faster.tokens_per_second[1] == pytest.approx(512 / (link / 63.0), rel=0.01)


def test_ways_and_answers_have_one_clock():
    asked = _ask(method="full", gpu="A100 40GB SXM", micro_batch=2)
    found = ways(asked)
    assert len(found) > 5
    for way in found:
        assert way.time_factor == pytest.approx(_middle(asked) / _middle(way.answer))
    factors = {next(iter(way.changes.values())): way.time_factor for way in found if len(way.changes) == 1}
    assert factors["all"] > factors["optimizer"] > 1


@pytest.mark.parametrize(
    "values", [{"method": "prompt"}, {"method": "prefix", "checkpointing": "none"}, {"method": "head"}, {"objective": "rlhf"},
               {"objective": "dpo"}, {"gpus": 8}, {"method": "full", "offload": "optimizer"}]
)  # fmt: skip
def test_what_nobody_measured_has_the_widest_band_and_says_so(values):
    found, measured = _ask(**values), [_ask(method=method) for method in ("full", "lora", "qlora")]
    low, high = found.reserve.allocated_interval_gib
    bands = [(m.reserve.allocated_interval_gib[0] / m.reserve.allocated_gib, m.reserve.allocated_interval_gib[1] / m.reserve.allocated_gib)
             for m in measured]  # fmt: skip
    assert low / found.reserve.allocated_gib <= min(lo for lo, _ in bands) + 1e-9
    assert high / found.reserve.allocated_gib >= max(hi for _, hi in bands) - 1e-9
    assert found.assumed and found.speed_assumed and any("widest" in note for note in found.notes)
    assert not any(m.assumed or m.speed_assumed for m in measured)
