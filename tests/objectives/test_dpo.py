"""DPO's losses against their formulas and against TRL's own trainers, and what a run does and says."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset

from engine.adapt import METHODS
from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.contracts import CELLS, Evaluated, RunError, SpecError, Step
from engine.models import load
from engine.objectives.answers import kl_to_base
from engine.objectives.dpo import DPO, dpo_loss, ipo_loss, simpo_loss
from engine.objectives.pairs import make_pairs, worse_answers
from engine.objectives.rows import IGNORE, make_rows
from engine.tasks import load as load_task
from engine.training import observe, train
from engine.training.loop import optimise

MODEL = "nano-0.1m"
METHODS_OF_DPO = [method for method in CELLS["dpo"] if method in METHODS]


def ready(method: str = "lora", **chosen) -> DPO:
    spec = default_spec(MODEL, "endings", method, objective="dpo", dtype="fp32", **{"steps": 4, "examples": 8, **chosen})
    torch.manual_seed(spec.seed)
    model, tokenizer = load(MODEL)
    task = load_task("endings")
    objective = DPO(METHODS[method](model, spec), tokenizer, replace(task, heldout=task.heldout[:6]), spec)
    list(objective.prepare())
    return objective


def moved(objective: DPO) -> DPO:
    """The same after a few steps, so that policy and reference differ."""
    list(optimise(objective.adaptation, objective, objective.spec.with_(steps=3)))
    return objective


@pytest.mark.filterwarnings("ignore")  # TRL sets arguments that transformers has renamed
@pytest.mark.parametrize(("name", "beta"), [("dpo", 0.1), ("dpo", 0.5), ("ipo", 0.1)])
def test_loss_and_gradients_equal_trl(name, beta, tmp_path):
    import peft
    from trl import DPOConfig, DPOTrainer

    objective = moved(ready(beta=beta, preference_loss=name))
    batch = next(objective.batches())
    ours = objective.loss(batch).value
    ours.backward()
    trained = objective.adaptation.trainable()
    gradients = [p.grad.clone() for p in trained]
    for parameter in trained:
        parameter.grad = None

    words = Dataset.from_list(
        [{"prompt": "One", "chosen": " day", "rejected": " night"}] * 2
    )  # the trainer asks for some; ours are fed below
    config = DPOConfig(output_dir=str(tmp_path), beta=beta, loss_type={"dpo": "sigmoid", "ipo": "ipo"}[name], use_cpu=True, report_to="none",
        per_device_train_batch_size=2, gradient_checkpointing=False, bf16=False)  # fmt: skip
    wrapped = objective.adaptation._peft
    assert isinstance(wrapped, peft.PeftModel)
    trainer = DPOTrainer(model=wrapped, args=config, train_dataset=words, processing_class=objective.tokenizer)
    wrapped.delete_adapter("ref")  # a copy of the adapter as it is by now; without it the reference is the base, as ours
    rows = batch.rows
    fed = {"input_ids": rows.ids, "attention_mask": rows.mask, "completion_mask": (rows.labels != IGNORE).long()}
    theirs = trainer.compute_loss(wrapped, fed)
    theirs.backward()
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    for mine, parameter in zip(gradients, trained, strict=True):
        torch.testing.assert_close(mine, parameter.grad, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_smoothing_and_simpo_equal_trl():
    from trl.experimental.cpo import CPOTrainer

    chosen, rejected = torch.tensor([-0.4, 1.2, -3.0]), torch.tensor([-0.9, 2.0, -2.5])
    for kind, ours in (("sigmoid", dpo_loss(chosen, rejected, 0.3, 0.2)), ("simpo", simpo_loss(chosen, rejected, 2.0))):
        smoothing, beta = (0.2, 0.3) if kind == "sigmoid" else (0.0, 2.0)
        told = SimpleNamespace(
            loss_type=kind, beta=beta, label_smoothing=smoothing, simpo_gamma=beta / 2, alpha=0.0, accelerator=SimpleNamespace(device="cpu")
        )
        assert ours.item() == pytest.approx(CPOTrainer.cpo_loss(told, chosen, rejected)[0].mean().item(), abs=1e-6)


def test_the_formulas_by_hand():
    one, none = torch.tensor([2.0]), torch.tensor([0.0])
    assert dpo_loss(none, none, 0.1).item() == pytest.approx(math.log(2))
    assert dpo_loss(one, none, 0.5).item() == pytest.approx(-math.log(1 / (1 + math.exp(-1))))
    assert ipo_loss(one, none, 0.25).item() == 0, "IPO is content with a gap of 1 / 2β"
    assert ipo_loss(3 * one, none, 0.25).item() == 16
    assert simpo_loss(one, none, 2.0).item() == pytest.approx(-math.log(1 / (1 + math.exp(1.0 - 4.0))))


@pytest.mark.parametrize("method", METHODS_OF_DPO)
def test_before_training_policy_and_reference_are_one(method):
    objective = ready(method)
    loss, metrics = objective.loss(next(objective.batches()))
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)
    assert metrics["margin"] == pytest.approx(0, abs=1e-4) and metrics["kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["chosen_logp"] < 0 and metrics["rejected_logp"] < 0


@pytest.mark.parametrize("method", METHODS_OF_DPO)
def test_training_raises_the_margin_and_keeps_the_reference(method):
    objective = ready(method, steps=12)
    steps = list(optimise(objective.adaptation, objective, objective.spec))
    assert steps[-1].loss < steps[0].loss - 0.05
    assert steps[-1].metrics["margin"] > 0.05 and steps[-1].metrics["accuracy"] == 1
    last = steps[-1].metrics
    assert last["margin"] == pytest.approx(last["chosen_reward"] - last["rejected_reward"], abs=1e-5)
    with objective.as_base():
        assert objective.heldout_loss(objective.task.heldout) == pytest.approx(math.log(2), abs=1e-5)
    assert objective.heldout_loss(objective.task.heldout) < math.log(2)


def test_without_a_reference_the_rewards_are_bare_log_probabilities():
    objective = ready(reference="none")
    _, metrics = objective.loss(next(objective.batches()))
    assert metrics["chosen_reward"] == pytest.approx(0.1 * metrics["chosen_logp"], rel=1e-5)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_saved_run_is_the_reference(method, tmp_path, monkeypatch):
    """Against a sum by hand over what plain PEFT and transformers load from the run's folder."""
    import peft
    from transformers import AutoModelForCausalLM

    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    saved = tmp_path / "runs" / "before7"
    spec = default_spec(MODEL, "endings", method, objective="dpo", steps=4, examples=8, eval_every=0, learning_rate=3e-3)
    *_, ended = train(spec, out=saved, keep_model=True)
    assert ended.status == "done"
    model, _ = load(MODEL)
    reference = (
        peft.PeftModel.from_pretrained(model, saved / "adapter").eval()
        if method == "lora"
        else AutoModelForCausalLM.from_pretrained(saved / "model").eval()
    )

    def sums(model, rows):
        with torch.no_grad():
            logits = model(input_ids=rows.ids, attention_mask=rows.mask, position_ids=rows.positions).logits[:, :-1].double()
        said, there = rows.labels[:, 1:], rows.labels[:, 1:] != IGNORE
        return (logits.log_softmax(-1).gather(-1, said.clamp(min=0)[..., None])[..., 0] * there).sum(1)

    objective = moved(ready(reference="run:before7", beta=0.5))
    batch = next(objective.batches())
    with torch.no_grad():
        ours = objective.loss(batch).value.item()
    policy = sums(objective.adaptation.model.eval(), batch.rows)
    losses = {}
    for name, other in (("saved", reference), ("base", load(MODEL)[0])):
        chosen, rejected = (policy - sums(other, batch.rows)).chunk(2)
        losses[name] = torch.log1p(torch.exp(-0.5 * (chosen - rejected))).mean().item()
    assert ours == pytest.approx(losses["saved"], abs=1e-5)
    assert abs(losses["saved"] - losses["base"]) > 0.01, "the two references are told apart"


def test_a_reference_that_does_not_fit_is_refused_before_anything_loads(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    for name, result in (("other", {"model": "nano-2m", "method": "lora"}), ("packed", {"model": MODEL, "method": "qlora"}),
                         ("bare", {"model": MODEL, "method": "full"})):  # fmt: skip
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "result.json").write_text(json.dumps(result))
    for run, sentence in (
        ("absent", "no finished run"),
        ("other", "trained nano-2m"),
        ("packed", "method qlora"),
        ("bare", "kept no weights"),
    ):
        with pytest.raises(SpecError, match=f"reference=run:{run}.*{sentence}"):
            check(default_spec(MODEL, "endings", objective="dpo", reference=f"run:{run}"))
    for word in ("bsae", "run:", "run:../../etc", "run:a/b", "run:."):
        with pytest.raises(SpecError, match="must be base, none, or run:ID"):
            default_spec(MODEL, "endings", objective="dpo", reference=word)
    base, run = (default_spec(MODEL, "endings", objective="dpo", reference=word) for word in ("base", "run:other"))
    assert base.hash == default_spec(MODEL, "endings", objective="dpo").hash != run.hash


def test_own_pairs_are_what_the_base_says_and_good_ones_are_skipped():
    objective = moved(ready())
    task, parts = objective.task, (objective.adaptation, objective.tokenizer)
    with objective.as_base():
        said = objective.answers(task.train[:6])
    assert worse_answers(*parts, task, task.train[:6], "own") == said, "the adapter is off while the base speaks"
    already = [example._replace(answer=answer) for example, answer in zip(task.train[:6], said, strict=True)]
    assert worse_answers(*parts, task, already[:2] + list(task.train[2:4]), "own") == [None, None, *said[2:4]]
    assert len(make_pairs(*parts, already[:3], [None, "a", None])) == 1
    with pytest.raises(RunError, match="No pair is left.*made-up"):
        make_pairs(*parts, already[:3], [None] * 3)


def test_kl_to_base_is_that_of_the_two_distributions():
    objective = moved(ready())
    (row,) = make_rows(objective.tokenizer, objective.task.heldout[:1], objective.adaptation.model)
    ids = torch.tensor([row.ids])
    with torch.no_grad():
        tuned = objective.adaptation.model.eval()(ids).logits[0].double().log_softmax(-1)
        with objective.as_base():
            base = objective.adaptation.model(ids).logits[0].double().log_softmax(-1)
    at = slice(len(row.ids) - row.answer_tokens - 1, -1)
    exact = (tuned.exp() * (tuned - base)).sum(-1)[at].sum().item()
    found = kl_to_base(objective.adaptation, [row, row], objective.tokenizer.pad_token_id)
    assert exact > 1e-4 and found == pytest.approx(exact, rel=1e-3)


def test_pairs_of_its_own_change_what_is_said_and_made_up_ones_do_not(monkeypatch):
    """Both learn their pairs; the made-up worse answers lie where the base never goes."""
    task = load_task("endings")
    monkeypatch.setattr(observe, "load_task", lambda _: replace(task, heldout=task.heldout[:16]))
    ends = {}
    for pairs in ("own", "made-up"):
        spec = default_spec("nano-0.5m", "endings", objective="dpo", pairs=pairs, eval_every=0)
        events = list(train(spec))
        looks = [event for event in events if isinstance(event, Evaluated)]
        last = [event for event in events if isinstance(event, Step)][-1]
        assert looks[0].loss == pytest.approx(math.log(2), abs=1e-5) and looks[0].metrics["kl"] == 0
        assert last.metrics["accuracy"] == 1 and looks[-1].loss < looks[0].loss
        ends[pairs] = looks[-1]
    assert ends["own"].score > 0.4 and ends["made-up"].score < 0.1
    assert ends["made-up"].loss < ends["own"].loss
    assert ends["own"].metrics["answer_tokens"] > 20 and ends["own"].metrics["kl"] > 0


def test_a_task_without_pairs_names_those_that_have_them():
    with pytest.raises(SpecError, match="objective=dpo does not fit task=stories.*dpo has endings"):
        check(default_spec(MODEL, "stories", "lora", objective="dpo"))
    with pytest.raises(SpecError, match="method=prompt does not go with objective=dpo; dpo goes with full, lora, qlora"):
        default_spec(MODEL, "endings", "prompt", objective="dpo")
