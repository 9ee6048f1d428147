"""Several adapters on one base, against sums made by hand; merged against unmerged."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.adapt.adapters import attach, merged, stack, switch, tensor_bytes, weighted_sum
from engine.contracts import SpecError
from engine.models import load
from tests.adapt.variants import MODEL, VARIANTS, fresh, logits_of, some_batch, trained, variant_spec


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two saved adapters of other ranks and scales, one of them a PiSSA, and the ΔW of each, dense."""
    folders, deltas = {}, {}
    for name, spec in {"one": variant_spec("plain"), "two": variant_spec("pissa", rank=3, alpha=9, seed=1, targets="q,v")}.items():
        adaptation = trained(spec)
        adaptation.save(tmp_path_factory.mktemp(name))
        folders[name] = tmp_path_factory.getbasetemp() / f"{name}0" / "adapter"
        deltas[name] = {m.name: m.delta.B @ m.delta.A for m in adaptation.matrices()}
    return folders, deltas


def by_hand(deltas, weights: dict[str, float]) -> torch.Tensor:
    """Logits of the base with Σ w ΔW added to its weights."""
    model = load(MODEL)[0]
    with torch.no_grad():
        for name, weight in weights.items():
            for path, delta in deltas[name].items():
                model.get_submodule(path).weight += weight * delta
    return logits_of(model, some_batch())


def test_switch_stack_and_weighted_sum_equal_sums_by_hand(two):
    folders, deltas = two
    model, batch = attach(load(MODEL)[0], folders), some_batch()
    expected = {"one": {"one": 1.0}, "two": {"two": 1.0}, "both": {"one": 1.0, "two": 1.0}, "sum": {"one": 0.7, "two": -0.4}}
    shown = {name: by_hand(deltas, weights) for name, weights in expected.items()}
    assert (shown["one"] - shown["two"]).abs().max() > 0.05

    def close(name: str) -> None:
        torch.testing.assert_close(logits_of(model, batch), shown[name], atol=2e-4, rtol=1e-4)

    close("one")
    switch(model, "two")
    close("two")
    stack(model, ["one", "two"])
    close("both")
    weighted_sum(model, expected["sum"], "mixture")
    close("sum")
    switch(model, "one")
    close("one")
    with model.disable_adapter():
        assert torch.equal(logits_of(model, batch), logits_of(load(MODEL)[0], batch))


def test_an_unknown_adapter_and_a_sum_with_dora_are_refused(two, tmp_path):
    trained(variant_spec("dora", steps=1)).save(tmp_path)
    model = attach(load(MODEL)[0], {"one": two[0]["one"], "long": tmp_path / "adapter"})
    with pytest.raises(SpecError, match="no adapter is named nobody; there are one, long"):
        switch(model, "nobody")
    with pytest.raises(SpecError, match="long are DoRA"):
        weighted_sum(model, {"one": 0.5, "long": 0.5}, "mixture")


def test_bytes_of_a_saved_adapter_equal_the_formula(two):
    folders, _ = two
    assert tensor_bytes(folders["one"]) == 4 * 3 * 8 * (4 * (48 + 48) + 3 * (48 + 128))
    assert tensor_bytes(folders["two"]) == 4 * 3 * (2 * 3) * 2 * (48 + 48)  # a PiSSA is saved with twice its rank


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 48), st.floats(0.5, 64), st.sampled_from(sorted(VARIANTS)), st.integers(0, 3))
def test_merged_equals_unmerged_and_unmerging_leaves_no_trace(rank, alpha, variant, seed):
    adaptation, batch = fresh(variant_spec(variant, rank=rank, alpha=alpha, seed=seed)), some_batch()
    with torch.no_grad():
        for name, p in adaptation.model.named_parameters():
            if "lora_B" in name:
                p.add_(torch.randn(p.shape) * 0.3 / alpha)
    apart = logits_of(adaptation.model, batch)
    with adaptation.as_base():
        base = logits_of(adaptation.model, batch)
    assert (apart - base).abs().max() > 1e-3
    with merged(adaptation):
        assert not any("lora" in name for name, _ in adaptation.model.named_parameters())
        torch.testing.assert_close(logits_of(adaptation.model, batch), apart, atol=1e-4 * float(apart.abs().max()), rtol=0)
    assert torch.equal(logits_of(adaptation.model, batch), apart)
