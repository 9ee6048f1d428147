"""Looks at a whole run: how far its words moved from the base's, and what cutting ΔW to a rank leaves of what it learned."""

import pytest
import torch

from engine.catalog.defaults import default_spec
from engine.contracts import Evaluated, SpecError
from engine.models import load
from engine.objectives.rows import collate, make_rows
from engine.tasks import load as load_task
from engine.training import train
from engine.training.inspect import kl_to_base
from engine.training.rank_test import rank_test
from tests.adapt.variants import MODEL, fresh, trained, variant_spec


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_kl_to_base_equals_torchs_own_and_is_zero_before_training(method):
    spec = default_spec(MODEL, "stories", method, steps=6, eval_every=0, dtype="fp32")
    tokenizer = load(MODEL)[1]
    before, after = fresh(spec), trained(spec)
    rows = make_rows(tokenizer, load_task("stories").heldout[:20], before.model)
    assert kl_to_base(before, before.as_base, rows, tokenizer.pad_token_id) == pytest.approx(0, abs=1e-6)
    found = kl_to_base(after, after.as_base, rows, tokenizer.pad_token_id)
    batch = collate(rows, tokenizer.pad_token_id)
    shown = [m(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions).logits for m in (after.model.eval(),)]
    with after.as_base():
        shown.append(after.model(input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions).logits)
    tuned, base = (logits[:, :-1][batch.labels[:, 1:] != -100].detach().double().log_softmax(-1) for logits in shown)
    assert found == pytest.approx(float(torch.nn.functional.kl_div(base, tuned, log_target=True, reduction="batchmean")), rel=1e-4)
    assert found > 0.01


def test_the_last_look_of_a_run_tells_the_kl():
    looks = [e for e in train(default_spec(MODEL, "stories", "lora", steps=4, eval_every=2, dtype="fp32")) if isinstance(e, Evaluated)]
    assert ["kl_to_base" in look.metrics for look in looks] == [False, False, True]
    assert looks[-1].metrics["kl_to_base"] > 0


def test_rank_test_goes_from_the_base_to_the_whole():
    spec = default_spec(MODEL, "stories", "full", steps=8, eval_every=0, dtype="fp32")
    rows = rank_test(spec, [48, 2])
    assert [(row.kind, row.rank) for row in rows] == [
        *(("cut", rank) for rank in (0, 2, 48)), ("whole", None), *(("trained", rank) for rank in (2, 48)),
    ]  # fmt: skip
    cuts, whole = rows[:3], rows[3]
    looks = [e for e in train(spec) if isinstance(e, Evaluated)]
    assert cuts[0].loss == pytest.approx(looks[0].loss, rel=1e-6) and whole.loss == pytest.approx(looks[-1].loss, rel=1e-6)
    energies = [row.energy for row in cuts]
    assert energies[0] == 0 and energies == sorted(energies) and energies[-1] == pytest.approx(1, abs=1e-4)
    assert cuts[2].loss < cuts[1].loss < cuts[0].loss
    assert all(row.loss < cuts[0].loss for row in rows[4:])


def test_the_rank_test_refuses_what_it_cannot_cut():
    with pytest.raises(SpecError, match="needs method=full"):
        rank_test(variant_spec("plain"), [1])
    with pytest.raises(SpecError, match="ranks of 1 or more"):
        rank_test(default_spec(MODEL, "stories", "full"), [0])
