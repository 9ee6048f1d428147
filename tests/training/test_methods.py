"""One behaviour table over all methods, on the smallest real model."""

import json
import math

import numpy as np
import peft
import pytest
import torch

from engine.adapt import METHODS, Factors
from engine.adapt.four_bit import block_linears, pack
from engine.catalog.defaults import default_spec
from engine.catalog.models import model_dir
from engine.contracts import CELLS, Ended, Evaluated, Probed, RunSpec, Step
from engine.models import load
from engine.objectives import SFT
from engine.objectives.rows import collate, make_row
from engine.tasks import load as load_task
from engine.training import train
from engine.training.inspect import norm, spectrum

MODEL = "nano-0.1m"
EXACT_TRAINABLE = {"full": 95_568, "lora": 21_888, "qlora": 21_888, "prompt": 384, "prefix": 2_304}
"""(Q)LoRA r = 8 on 3 layers: 4 x 8 (48 + 48) + 3 x 8 (48 + 128) = 7,296 a layer. Prompt k = 8: 8 x 48; prefix: 8 x 3 x 2 x 48."""
SOFT = {"token_init": "text", "learning_rate": 0.3}
"""The defaults take sixty steps; eight show as much from a text, which fits no story, at a high rate."""
MATRICES = {"prompt": 1, "prefix": 6}
"""The other methods move the 21 linear layers."""
METHODS_OF_SFT = [method for method in METHODS if method in CELLS["sft"]]


@pytest.fixture(params=METHODS_OF_SFT)
def spec(request) -> RunSpec:
    soft = SOFT if request.param in MATRICES else {}
    return default_spec(MODEL, "stories", request.param, steps=8, eval_every=0, dtype="fp32", **soft)


def adapted(spec: RunSpec):
    torch.set_num_threads(1)  # as a run of a nano model does
    torch.manual_seed(spec.seed)
    model, tokenizer = load(spec.model, "bf16" if spec.dtype == "bf16" else "fp32")
    return METHODS[spec.method](model, spec), tokenizer


def base_of(spec: RunSpec):
    """The model that a run starts from: for QLoRA the packed one."""
    model, _ = load(MODEL)
    if spec.method == "qlora":
        pack(model, block_linears(model), spec)
    return model


def some_batch(tokenizer):
    return collate([make_row(tokenizer, example, 128) for example in load_task("stories").train[:4]], tokenizer.pad_token_id)


def logits_of(model, batch) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions).logits


def trained(spec: RunSpec):
    """The adaptation after the spec's steps, with its events and what weights and trained tensors were before."""
    from engine.training.loop import optimise

    adaptation, tokenizer = adapted(spec)
    before = {name: p.detach().clone() for name, p in adaptation.model.named_parameters()}
    before |= {str(i): p.detach().clone() for i, p in enumerate(adaptation.trainable())}
    objective = SFT(adaptation, tokenizer, load_task("stories"), spec)
    return adaptation, tokenizer, list(optimise(adaptation, objective, spec)), before


def test_loss_falls_and_trainable_count_is_exact(spec):
    adaptation, _, steps, _ = trained(spec)
    assert [s.step for s in steps] == list(range(1, 9))
    assert steps[-1].loss < 0.9 * steps[0].loss
    assert sum(p.numel() for p in adaptation.trainable()) == EXACT_TRAINABLE[spec.method]
    assert all(p.dtype == torch.float32 for p in adaptation.trainable())


def test_frozen_weights_are_bit_equal_after_training(spec):
    adaptation, _, _, before = trained(spec)
    moving = {id(p) for p in adaptation.trainable()}
    frozen = {name: p for name, p in adaptation.model.named_parameters() if id(p) not in moving}
    assert bool(frozen) == (spec.method != "full")
    assert all(torch.equal(p, before[name]) for name, p in frozen.items())
    assert any(not torch.equal(p, before[str(i)]) for i, p in enumerate(adaptation.trainable()))


def test_as_base_gives_the_base_back_exactly(spec):
    adaptation, tokenizer, _, _ = trained(spec)
    base = base_of(spec)
    batch = some_batch(tokenizer)
    tuned = logits_of(adaptation.model, batch)
    with adaptation.as_base():
        assert torch.equal(logits_of(adaptation.model, batch), logits_of(base, batch))
    assert torch.equal(logits_of(adaptation.model, batch), tuned)
    assert not torch.allclose(tuned, logits_of(base, batch), atol=1e-2)


@pytest.mark.parametrize("spec", [method for method in METHODS_OF_SFT if method not in MATRICES], indirect=True)
def test_delta_put_into_the_base_gives_the_tuned_model(spec):
    """Merged equals unmerged, and ΔW is the whole of what a linear layer learned. What moves no weight: tests/adapt/test_soft.py."""
    adaptation, tokenizer, _, _ = trained(spec)
    if spec.method == "full":  # norms and embeddings moved as well: take them over, and change the linear layers by ΔW only
        base, _ = load(MODEL)
        linear = {m.name for m in adaptation.matrices()}
        state = {n: p for n, p in adaptation.model.state_dict().items() if n.rsplit(".", 1)[0] not in linear}
        base.load_state_dict(state, strict=False)
    else:
        base, _ = load(MODEL)
    with torch.no_grad():
        for matrix in adaptation.matrices():
            delta = matrix.delta.B @ matrix.delta.A if isinstance(matrix.delta, Factors) else matrix.delta
            base.get_submodule(matrix.name).weight.copy_(matrix.weight + delta)
    batch = some_batch(tokenizer)
    torch.testing.assert_close(logits_of(base, batch), logits_of(adaptation.model, batch), atol=1e-4, rtol=1e-4)


def test_norm_and_spectrum_equal_numpy(spec):
    adaptation, *_ = trained(spec)
    for matrix in adaptation.matrices():
        delta = (matrix.delta.B @ matrix.delta.A if isinstance(matrix.delta, Factors) else matrix.delta).numpy()
        exact = np.linalg.svd(delta.astype(np.float64), compute_uv=False)
        found = spectrum(matrix.delta)
        np.testing.assert_allclose(found.values.numpy(), exact[: len(found.values)], atol=1e-5 * exact[0])
        np.testing.assert_allclose(norm(matrix.delta), np.linalg.norm(delta), rtol=1e-4)
        np.testing.assert_allclose(((found.left * found.values) @ found.right).numpy(), delta, atol=1e-4 * exact[0])


def test_equal_specs_give_equal_losses_bit_for_bit(spec):
    first, second = ([s.loss for s in trained(spec)[2]] for _ in range(2))
    assert first == second
    assert first != [s.loss for s in trained(spec.with_(seed=1))[2]]


def test_bf16_keeps_small_updates_through_fp32_masters():
    """At 1e-5 an update is far below a bf16 weight's own spacing: without masters nothing would ever move."""
    spec = default_spec(MODEL, "stories", "full", steps=3, eval_every=0, dtype="bf16", learning_rate=1e-5)
    adaptation, *_ = trained(spec)
    assert all(p.dtype == torch.bfloat16 for p in adaptation.model.parameters())
    assert all(norm(m.delta) > 0 for m in adaptation.matrices())


def test_a_whole_run(spec, tmp_path):
    events = list(train(spec, out=tmp_path, keep_model=True))
    ended = events[-1]
    assert isinstance(ended, Ended) and ended.status == "done"
    assert ended.result == json.loads((tmp_path / "result.json").read_text())
    assert sum(isinstance(e, Step) for e in events) == 8
    assert [e.step for e in events if isinstance(e, Evaluated)] == [0, 8]
    assert len([e for e in events if isinstance(e, Probed)]) == 2
    result = ended.result
    assert result["trainable_params"] == EXACT_TRAINABLE[spec.method] and result["total_params"] == 95_568
    assert result["loss_after"] < result["loss_before"]
    folder = tmp_path / ("model" if spec.method == "full" else "adapter")
    assert result["artifact_bytes"] == sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    if spec.method != "full":
        assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == MODEL
        assert not any(str(model_dir(MODEL)) in text.read_text() for text in folder.glob("*.[jm]*"))
    index = json.loads((tmp_path / "delta" / "delta.json").read_text())
    assert len(index["matrices"]) == MATRICES.get(spec.method, 21) and index["spec_hash"] == spec.hash
    assert (tmp_path / "delta" / "soft_prompt.json").exists() == (spec.method in MATRICES)
    moved = math.sqrt(sum(m["norm"] ** 2 for m in index["matrices"]) / sum(m["weight_norm"] ** 2 for m in index["matrices"]))
    assert moved == pytest.approx(result["drift"], rel=1e-5)


def test_saved_adapter_loads_in_plain_peft_with_equal_logits(tmp_path):
    spec = default_spec(MODEL, "stories", "lora", steps=8, dtype="fp32")
    adaptation, tokenizer, _, _ = trained(spec)
    adaptation.save(tmp_path)
    base, _ = load(MODEL)
    loaded = peft.PeftModel.from_pretrained(base, tmp_path / "adapter")
    batch = some_batch(tokenizer)
    torch.testing.assert_close(logits_of(loaded, batch), logits_of(adaptation.model, batch), atol=1e-5, rtol=1e-5)


def test_nan_loss_stops_says_where_and_keeps_what_there_is(tmp_path, monkeypatch):
    import engine.objectives.sft as sft

    calls = {"n": 0}
    real = sft.sft_loss

    def poisoned(model, batch):
        calls["n"] += 1
        return real(model, batch) * (math.nan if calls["n"] == 4 else 1.0)

    monkeypatch.setattr(sft, "sft_loss", poisoned)
    events = list(train(default_spec(MODEL, "stories", "lora", steps=8, dtype="fp32"), out=tmp_path))
    assert isinstance(events[-1], Ended) and events[-1].status == "failed"
    assert "at step 4" in events[-1].sentence and "0.001" in events[-1].remedy
    assert events[-1].step == 3
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()


def test_a_closed_run_keeps_the_last_snapshot(tmp_path):
    events = train(default_spec(MODEL, "stories", "lora", steps=50, eval_every=0, dtype="fp32"), out=tmp_path)
    for event in events:
        if isinstance(event, Step) and event.step == 3:
            break
    events.close()
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    assert not (tmp_path / "result.json").exists()


def test_a_spec_that_does_not_fit_ends_as_failed_with_the_sentence():
    events = list(train(default_spec(MODEL, "stories", "lora", rank=47).with_(rank=49)))
    assert events[-1].status == "failed" and "rank=49" in events[-1].sentence
