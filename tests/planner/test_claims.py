"""Each claim has a configuration that makes it true and one that makes it false, and the sums of the published table hold."""

from __future__ import annotations

import pytest

from engine.planner.catalogue import find
from engine.planner.claims import claims, gpt3_lora_params, matrix_saving
from engine.planner.options import read_options
from engine.planner.standing import standing, trainable_count

LLAMA = "meta-llama/Llama-2-7b-hf"


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_true_case_holds_and_false_case_does_not(claim):
    assert claim.true_case.holds, claim.true_case
    assert not claim.false_case.holds, claim.false_case


def _times_fewer(**values):
    options = read_options({"model": LLAMA, **values})
    return find(LLAMA).total_params / trainable_count(options, find(LLAMA))


@pytest.mark.parametrize(
    ("rank", "targets", "factor"), [(8, "q,v", 1607), (16, "q,v", 803), (8, "all-linear", 337), (16, "all-linear", 169)]
)
def test_times_fewer(rank, targets, factor):
    assert round(_times_fewer(rank=rank, targets=targets)) == factor


def _weights_gb(model, **values):
    held = standing(read_options({"model": model, **values}), find(model))
    return (held.terms_bytes["weights"] + held.terms_bytes["quant_constants"]) / 1e9


def test_four_bit_weights():
    assert _weights_gb("meta-llama/Llama-2-70b-hf", method="qlora") == pytest.approx(36.4, abs=0.05)
    assert _weights_gb("meta-llama/Llama-3.1-70B", method="qlora") == pytest.approx(39.5, abs=0.05)
    assert _weights_gb("huggyllama/llama-65b", method="qlora") == pytest.approx(34.5, abs=0.05)


def test_fp32_full_is_108_gb_before_activations():
    held = standing(read_options({"model": LLAMA, "method": "full", "weights": "fp32", "autocast": "none"}), find(LLAMA))
    parts = [held.terms_bytes["weights"], held.terms_bytes["optimizer"], held.gradients_bytes]
    assert [round(part / 1e9, 1) for part in parts] == [27.0, 53.9, 27.0]


def test_gpt3_and_one_matrix():
    assert gpt3_lora_params(4) == 18_874_368
    assert matrix_saving(16, 4096, 4096) == (131_072, 128.0)


def test_pure_bf16_step_is_ten_bytes_a_parameter():
    options = read_options({"model": "mistralai/Mistral-7B-v0.1", "method": "full"})
    held = standing(options, find(options.model))
    total = held.terms_bytes["weights"] + held.terms_bytes["optimizer"] + held.gradients_bytes + held.step_bytes
    assert total == 10 * find(options.model).total_params
