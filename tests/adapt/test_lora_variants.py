"""LoRA, rsLoRA, DoRA and PiSSA against PEFT's own, and what each promises about the base, ΔW and the saved adapter."""

import re

import peft
import pytest
import torch

from engine.adapt import Factors
from engine.adapt.lora import LoRA, target_modules
from engine.contracts import SpecError
from engine.models import load
from engine.objectives import SFT
from engine.objectives.sft import sft_loss
from engine.tasks import load as load_task
from engine.training.loop import make_optimizer, optimise
from tests.adapt.variants import MODEL, VARIANTS, fresh, logits_of, some_batch, trained, variant_spec

LAYER_ELEMENTS = 4 * (48 + 48) + 3 * (48 + 128)
DORA_ELEMENTS = 5 * 48 + 2 * 128
"""DoRA's lengths: one for each output of the seven matrices of a layer."""


def pefts_own(spec) -> peft.PeftModel:
    torch.manual_seed(spec.seed)
    model = load(MODEL)[0]
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=target_modules(model, spec.targets),
        use_rslora=spec.scaling == "rslora",
        use_dora=spec.dora,
        init_lora_weights="pissa" if spec.init == "pissa" else True,
    )
    return peft.get_peft_model(model, config)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_loss_and_gradients_equal_pefts_own(variant, dropout):
    spec, batch = variant_spec(variant, dropout=dropout), some_batch()
    ours, theirs = fresh(spec).model, pefts_own(spec).get_base_model()
    with torch.no_grad():  # B starts at zero, and A would get no gradient
        for one, other in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert one[0] == other[0]
            torch.testing.assert_close(one[1], other[1], atol=2e-6, rtol=0)
            if "lora_B" in one[0]:
                moved = other[1] + 0.02 * torch.randn(other[1].shape)
                one[1].copy_(moved), other[1].copy_(moved)
    losses = []
    for model in (ours, theirs):
        torch.manual_seed(7)
        losses.append(sft_loss(model.train(), batch))
        losses[-1].backward()
    torch.testing.assert_close(*losses, atol=1e-5, rtol=0)
    gradients = {name: p.grad for name, p in theirs.named_parameters() if p.requires_grad}
    assert gradients and all(g.norm() > 0 for g in gradients.values())
    for name, p in ours.named_parameters():
        if p.requires_grad:
            torch.testing.assert_close(p.grad, gradients[name], atol=1e-4 * float(gradients[name].abs().max()) + 1e-7, rtol=1e-3)


def test_twenty_steps_equal_a_plain_loop_loss_by_loss():
    spec = variant_spec("plain", steps=20, learning_rate=1e-2)
    adaptation = fresh(spec)
    objective = SFT(adaptation, load(MODEL)[1], load_task("stories"), spec)
    ours = [step.loss for step in optimise(adaptation, objective, spec)]
    model = pefts_own(spec)
    moving = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=spec.learning_rate, weight_decay=0.0, fused=False, foreach=False)
    theirs = []
    for step, batch in enumerate(objective.batches()):
        optimizer.param_groups[0]["lr"] = spec.learning_rate * (1 - step / 20)
        loss = model.train()(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, labels=batch.labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        theirs.append(loss.item())
    assert theirs[-1] < 0.8 * theirs[0]
    assert ours == pytest.approx(theirs, rel=2e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_promises_of_each_variant(variant, tmp_path):
    """The base is given back bit for bit; W + ΔW is the tuned model; what is saved is the same on an unmodified base."""
    adaptation, batch = trained(variant_spec(variant)), some_batch()
    base = load(MODEL)[0]
    count = sum(p.numel() for p in adaptation.trainable())
    assert count == 3 * (8 * LAYER_ELEMENTS + (DORA_ELEMENTS if "dora" in variant else 0))
    tuned = logits_of(adaptation.model, batch)
    with adaptation.as_base():
        assert torch.equal(logits_of(adaptation.model, batch), logits_of(base, batch))
    assert torch.equal(logits_of(adaptation.model, batch), tuned)
    assert (tuned - logits_of(base, batch)).abs().max() > 0.05

    adaptation.save(tmp_path)
    loaded = peft.PeftModel.from_pretrained(load(MODEL)[0], tmp_path / "adapter")
    torch.testing.assert_close(logits_of(loaded, batch), tuned, atol=1e-4, rtol=1e-4)

    original = dict(base.named_parameters())
    for matrix in adaptation.matrices():
        weight = original[f"{matrix.name}.weight"]
        assert torch.equal(matrix.weight, weight)
        assert isinstance(matrix.delta, Factors) == ("dora" not in variant)
        with torch.no_grad():
            weight += matrix.delta.B @ matrix.delta.A if isinstance(matrix.delta, Factors) else matrix.delta
    torch.testing.assert_close(logits_of(base, batch), tuned, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_starts_at_the_base(variant):
    adaptation, batch = fresh(variant_spec(variant)), some_batch()
    torch.testing.assert_close(logits_of(adaptation.model, batch), logits_of(load(MODEL)[0], batch), atol=1e-4, rtol=0)


def test_in_bf16_everything_that_is_trained_is_fp32():
    for variant in VARIANTS:
        adaptation = fresh(variant_spec(variant, dtype="bf16"))
        assert all(p.dtype == torch.float32 for p in adaptation.trainable())
        assert torch.isfinite(sft_loss(adaptation.model, some_batch()))


def test_a_large_matrix_splits_exactly_too(monkeypatch):
    """Above 256 a randomised SVD takes over; whatever subspace it finds, start and residual add up to W."""
    monkeypatch.setattr("engine.adapt.pissa.EXACT_UP_TO", 8)
    adaptation, batch = fresh(variant_spec("pissa")), some_batch()
    torch.testing.assert_close(logits_of(adaptation.model, batch), logits_of(load(MODEL)[0], batch), atol=1e-4, rtol=0)
    name, layer = next(iter(adaptation.layers.items()))
    B0, A0 = adaptation.start[name]
    values = torch.linalg.svdvals(adaptation.whole[name])
    found = torch.linalg.svdvals(layer.scaling["default"] * B0 @ A0)
    torch.testing.assert_close(found[:4], values[:4], rtol=2e-2, atol=0)


@pytest.mark.parametrize("optimizer", ["adamw8bit", "paged-adamw8bit"])
def test_eight_bit_adamw_trains_and_keeps_its_states_in_bytes(optimizer):
    spec = variant_spec("plain", steps=8, optimizer=optimizer, rank=32, learning_rate=1e-2)
    adaptation = fresh(spec)
    made = make_optimizer(adaptation.trainable(), spec)
    adaptation.watch(made)
    batch = some_batch(8)
    losses = []
    for _ in range(8):
        loss = sft_loss(adaptation.model.train(), batch)
        loss.backward()
        made.step()
        made.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    for p, state in made.state.items():
        assert state["state1"].dtype == (torch.uint8 if p.numel() >= 4096 else torch.float32)  # bitsandbytes keeps small ones whole
    assert any(state["state1"].dtype == torch.uint8 for state in made.state.values())


@pytest.mark.parametrize(
    ("targets", "named"),
    [("all-linear", "model.layers.0.self_attn.q_proj (48 x 48)"), ("gate_proj", "model.layers.0.mlp.gate_proj (128 x 48)")],
)
def test_a_rank_above_what_a_loaded_matrix_has_is_refused(targets, named) -> None:
    """A hub model's shapes are known only once it is loaded."""
    spec = variant_spec("plain").with_(rank=49, targets=targets)
    with pytest.raises(SpecError, match=f"rank=49 is above 48, the most that {re.escape(named)} can have; use 48 or less"):
        LoRA(load(MODEL)[0], spec)
    LoRA(load(MODEL)[0], spec.with_(rank=48))
