"""The behaviour table on CUDA, in bf16. Deselected by its mark unless asked for: make gpu."""

import pytest

from engine.catalog.defaults import default_spec
from engine.contracts import METHODS, Started, Step
from engine.training import train

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("method", METHODS)
def test_a_run_on_cuda_learns_in_bf16(method, tmp_path):
    spec = default_spec("nano-0.5m", method=method, dtype="bf16")
    events = list(train(spec, out=tmp_path))
    started = next(e for e in events if isinstance(e, Started))
    assert (started.device, started.dtype) == ("cuda", "bf16")
    steps = [e for e in events if isinstance(e, Step)]
    assert steps[-1].loss < 0.8 * steps[0].loss
    assert events[-1].status == "done" and events[-1].result["peak_memory_bytes"] > 0


@pytest.mark.parametrize("method", METHODS)
def test_cuda_and_cpu_agree_on_the_first_loss(method, monkeypatch):
    from engine.catalog import device
    from engine.catalog.device import Resolved

    def first_loss() -> float:
        return next(e.loss for e in train(default_spec("nano-0.5m", method=method, dtype="fp32")) if isinstance(e, Step))

    on_cuda = first_loss()
    monkeypatch.setattr(device, "resolve", lambda dtype: Resolved("cpu", dtype, device.cpu_threads()))
    assert first_loss() == pytest.approx(on_cuda, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["adamw8bit", "paged-adamw8bit"])
def test_qlora_with_optimizer_states_of_8_bits_learns_on_cuda(optimizer, tmp_path):
    ended = list(train(default_spec("nano-0.5m", method="qlora", optimizer=optimizer, dtype="bf16"), out=tmp_path))[-1]
    assert ended.status == "done" and ended.result["loss_after"] < ended.result["loss_before"]


@pytest.mark.parametrize(
    ("task", "objective"), [("endings", "dpo"), ("endings", "reward"), ("endings", "rlhf"), ("story-mood", "classify")]
)
def test_every_objective_ends_on_cuda_and_its_score_rises(task, objective, tmp_path):
    ended = list(train(default_spec("nano-0.5m", task, "lora", objective=objective), out=tmp_path))[-1]
    assert ended.status == "done" and ended.result["device"] == "cuda"
    assert ended.result["score_after"] > ended.result["score_before"]


def test_rows_that_are_mostly_padding_give_gradients_that_are_numbers():
    """cuDNN's attention did not: loading a model for CUDA switches it off."""
    import torch

    from engine.models import load
    from engine.objectives.rows import Row, collate

    model, tokenizer = load("nano-0.5m", "bf16", "cuda")
    batch = collate([Row([5] * 100, 50), Row([5, 6], 1)], tokenizer.pad_token_id, "cuda")
    model(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, labels=batch.labels).loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
