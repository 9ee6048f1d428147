"""Several GPUs and offload against closed sums: Rajbhandari et al. 2019, 1910.02054, §5, and what FSDP and ZeRO-3 gather for a moment."""

from __future__ import annotations

import pytest

from engine.planner.answer import answer
from engine.planner.options import read_options

MODEL, PARAMS, LAYER, OUTSIDE = "meta-llama/Llama-2-7b-hf", 6_738_415_616, 202_383_360, 2 * 32_000 * 4096
ADAPTED = 16 * 32 * 2 * (4096 + 4096)
# method: weights bytes, (trained, bytes of a gradient, bytes of its optimizer states)
METHODS = {
    "pure bf16": ({"method": "full"}, 2 * PARAMS, (PARAMS, 2, 4)),
    "mixed": ({"method": "full", "trainable_dtype": "fp32"}, 2 * PARAMS, (PARAMS, 2, 12)),
    "lora": ({"method": "lora"}, 2 * PARAMS, (ADAPTED, 2, 4)),
}
DIVIDED = {
    "ddp": set(), "zero1": {"optimizer"}, "zero2": {"optimizer", "gradients"}, "zero3": {"optimizer", "gradients", "weights"},
    "fsdp": {"optimizer", "gradients", "weights"},
}  # fmt: skip
GIB = 2**30


def _ask(**values):
    return answer(read_options({"model": MODEL, "checkpointing": "full", **values})).estimate


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sharding", DIVIDED)
@pytest.mark.parametrize("gpus", [2, 8, 64, 1024])
def test_every_term_is_the_closed_sum(method, sharding, gpus):
    values, weights, (trained, gradient, states) = METHODS[method]
    held = _ask(**values, gpus=gpus, sharding=sharding).standing
    share = {name: gpus if name in DIVIDED[sharding] else 1 for name in ("weights", "gradients", "optimizer")}
    found = {**held.terms_bytes, "gradients": held.gradients_bytes}
    assert found["weights"] == pytest.approx(weights / share["weights"], rel=0.02)
    assert found["gradients"] == pytest.approx(trained * gradient / share["gradients"], rel=0.02)
    assert found["optimizer"] == pytest.approx(trained * states / share["optimizer"], rel=0.02)


@pytest.mark.parametrize(("sharding", "gathered"), [("zero3", 2 * 2 * LAYER), ("fsdp", 2 * (2 * LAYER + OUTSIDE))])
def test_what_is_gathered(sharding, gathered):
    held = _ask(method="full", gpus=8, sharding=sharding).standing
    assert held.gathered_bytes == pytest.approx(gathered, rel=0.02)
    whole = LAYER + OUTSIDE if sharding == "fsdp" else OUTSIDE  # head and embeddings together are more than one layer
    assert held.arriving_bytes == pytest.approx(2 * whole, rel=0.02)


@pytest.mark.parametrize("sharding", ["zero2", "zero3", "fsdp"])
@pytest.mark.parametrize("gpus", [2, 8, 64, 1024])
def test_gradients_are_never_whole(sharding, gpus):
    """The backward peak: one GPU's, less the gradients and what else is divided, with what is gathered."""
    one, many = _ask(method="full"), _ask(method="full", gpus=gpus, sharding=sharding)
    held = many.standing
    most = one.phase_peaks_bytes["forward"] - one.standing.always_bytes + 2 * LAYER * 2  # activations, and one layer's again
    beside = held.always_bytes + held.gradients_bytes + held.gathered_bytes + held.arriving_bytes
    assert beside < many.phase_peaks_bytes["backward"] <= beside + most
    assert many.terms_bytes["activations"] < 0.3 * GIB
    assert sum(many.terms_bytes.values()) == pytest.approx(many.peak_bytes)


def test_published_sizes_at_once():
    """7B on 8 cards holds (2 + 2 + 4 + 2) bytes a parameter / 8 in the step; 70B on 1,024 is a few layers."""
    assert _ask(method="full", gpus=8, sharding="zero3").peak_bytes == pytest.approx(10 * PARAMS / 8, rel=0.02)
    large = answer(read_options({"model": "meta-llama/Llama-2-70b-hf", "method": "full", "gpus": 1024, "sharding": "zero3", "checkpointing": "full"}))  # fmt: skip
    assert large.estimate.peak_bytes / GIB < 7


@pytest.mark.parametrize(("offload", "stands"), [("optimizer", 2 * PARAMS), ("all", 0)])
def test_offload_keeps_no_gradients(offload, stands):
    found = _ask(method="full", offload=offload)
    gathered = 2 * 2 * LAYER if offload == "all" else 0
    assert stands < found.peak_bytes - found.terms_bytes["framework"] < stands + gathered + 2 * OUTSIDE + 0.5 * GIB


@pytest.mark.parametrize("sharding", ["zero1", "zero2", "zero3", "fsdp"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("model", [MODEL, "meta-llama/Llama-3.2-1B"])
def test_more_cards_never_hold_more_each(sharding, method, model):
    """From two on. One card gathers nothing, so a small model with large embeddings can take less on one than on two."""
    question = {"model": model, "method": method, "checkpointing": "full", "seq_len": 2048}
    peaks = [answer(read_options({**question, "gpus": n, **({"sharding": sharding} if n > 1 else {})})).estimate.peak_bytes
             for n in (1, 2, 3, 4, 8, 64, 1024) if n > 1 or model == MODEL]  # fmt: skip
    assert peaks == sorted(peaks, reverse=True)


def test_constants_of_quantized_weights_are_on_every_card():
    one, many = _ask(method="qlora"), _ask(method="qlora", gpus=8, sharding="fsdp")
    assert many.standing.terms_bytes["quant_constants"] == one.standing.terms_bytes["quant_constants"]
    assert many.standing.terms_bytes["weights"] == pytest.approx(one.standing.terms_bytes["weights"] / 8)


@pytest.mark.parametrize(("objective", "copies"), [("dpo", 1), ("rlhf", 3)])
def test_other_models_are_shared_too(objective, copies):
    values = {"method": "full", "objective": objective, "gpus": 8, "sharding": "zero3"}
    held = _ask(**values).standing
    learners = 2 if objective == "rlhf" else 1  # the value model learns as well
    assert held.terms_bytes["weights"] == pytest.approx(2 * PARAMS * (1 + copies) / 8)
    assert held.terms_bytes["optimizer"] == pytest.approx(4 * PARAMS * learners / 8)
    assert held.gradients_bytes == pytest.approx(2 * PARAMS * learners / 8)


@pytest.mark.parametrize("model", ["mistralai/Mixtral-8x7B-v0.1", "Qwen/Qwen3-30B-A3B"])
def test_experts_in_one_tensor_stay_in_16_bits(model):
    asked = {"model": model, "method": "qlora", "gpu": "A6000"}
    now, before = answer(read_options(asked)), answer(read_options({**asked, "logits": "legacy"}))
    experts = now.arch.expert_params
    saved = now.estimate.standing.terms_bytes["weights"] - before.estimate.standing.terms_bytes["weights"]
    assert now.verdict == "exceeds" and saved == pytest.approx(1.5 * experts)
    assert any("experts" in note for note in now.notes) and not any("experts" in note for note in before.notes)
