"""Classification: one behaviour table over its methods, and W read by transformers' own sequence classifier."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForSequenceClassification

import engine.objectives.classify as classify
from engine.adapt import METHODS
from engine.catalog.defaults import default_spec
from engine.catalog.models import model_dir
from engine.contracts import CELLS, Ended, Phase, RunError, Step
from engine.models import load
from engine.objectives import Classify
from engine.objectives.rows import Row, collate
from engine.tasks import load as load_task
from engine.training import train
from engine.training.loop import optimise

MODEL, D = "nano-0.1m", 48
TASK = load_task("story-mood")
METHODS_OF_CLASSIFY = [method for method in METHODS if method in CELLS["classify"]]


def made(method: str, **changes) -> Classify:
    spec = default_spec(MODEL, "story-mood", method, **{"objective": "classify", "steps": 24, "eval_every": 0, **changes})
    torch.manual_seed(0)
    model, tokenizer = load(MODEL)
    return Classify(METHODS[method](model, spec), tokenizer, TASK, spec)


def trained(method: str, **changes) -> tuple[Classify, list[Step]]:
    objective = made(method, **changes)
    list(objective.prepare())
    return objective, list(optimise(objective.adaptation, objective, objective.spec))


@pytest.mark.parametrize("method", METHODS_OF_CLASSIFY)
def test_from_equal_chances_the_loss_falls_and_the_base_comes_back(method):
    objective, steps = trained(method)
    assert steps[0].loss == pytest.approx(torch.tensor(4.0).log().item(), rel=1e-5), "W = 0 makes four labels equally likely"
    assert [p.numel() for p in objective.trainable()] == [4 * D] and objective.classifier.weight.dtype == torch.float32
    heldout = TASK.heldout[:12]
    tuned, tuned_loss = objective.answers(heldout), objective.heldout_loss(heldout)
    with objective.as_base():
        assert objective.answers(heldout) == [objective.labels[0]] * 12
        assert objective.heldout_loss(heldout) == pytest.approx(steps[0].loss, rel=1e-5)
    assert objective.answers(heldout) == tuned and objective.heldout_loss(heldout) == tuned_loss
    assert set(tuned) <= set(objective.labels) and tuned_loss < 0.95 * steps[0].loss


def test_a_frozen_backbone_is_read_once_and_stays_bit_equal():
    rows_read = []
    objective = made("head")
    backbone = objective.adaptation.model.base_model
    backbone.register_forward_pre_hook(lambda module, args, given: rows_read.append(len(given["input_ids"])), with_kwargs=True)
    before = {name: p.clone() for name, p in objective.adaptation.model.named_parameters()}
    (phase,) = objective.prepare()
    assert isinstance(phase, Phase) and phase.name == "preparing" and "192 prompts" in phase.detail
    list(optimise(objective.adaptation, objective, objective.spec))
    objective.answers(TASK.heldout)
    assert sum(rows_read) == 128 + 64
    assert all(torch.equal(p, before[name]) for name, p in objective.adaptation.model.named_parameters())
    (matrix,) = objective.adaptation.matrices()
    assert matrix.name == "classifier" and matrix.weight.count_nonzero() == 0
    assert torch.equal(matrix.delta, objective.classifier.weight) and matrix.delta.count_nonzero() > 0


def test_kept_features_give_the_losses_that_fresh_ones_give():
    fresh = made("head")
    losses = [step.loss for step in optimise(fresh.adaptation, fresh, fresh.spec)]
    assert [step.loss for step in trained("head")[1]] == pytest.approx(losses, rel=1e-5)


def test_the_saved_head_works_in_transformers_own_classifier(tmp_path):
    objective, _ = trained("head")
    objective.save(tmp_path)
    about = json.loads((tmp_path / "head" / "head.json").read_text())
    theirs = LlamaForSequenceClassification.from_pretrained(model_dir(MODEL), num_labels=4, dtype=torch.float32)
    missing, unknown = theirs.load_state_dict(load_file(tmp_path / "head" / "head.safetensors"), strict=False)
    assert "score.weight" not in missing and unknown == []
    for example, said in zip(TASK.heldout[:8], objective.answers(TASK.heldout[:8]), strict=True):
        ids = torch.tensor([objective.read([example])[0].ids])
        with torch.no_grad():
            logits = theirs.eval()(ids).logits[0]
        assert about["labels"][int(logits.argmax())] == said
        torch.testing.assert_close(
            logits, objective.classifier(objective.look_up(objective.read([example])))[0].detach(), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_pooling_leaves_padding_out(pooling):
    model, _ = load(MODEL)
    rows = [Row([20, 30, 40, 50, 60], 0), Row([70, 80], 0)]
    found = classify.pooled(model, collate(rows, 0), pooling)
    for row, vector in zip(rows, found, strict=True):
        with torch.no_grad():
            hidden = model.base_model(input_ids=torch.tensor([row.ids])).last_hidden_state[0]
        torch.testing.assert_close(vector.detach(), hidden[-1] if pooling == "last" else hidden.mean(0), atol=1e-5, rtol=1e-5)


def test_a_label_never_seen_is_one_sentence_before_training():
    ended = list(train(default_spec(MODEL, "story-mood", "head", examples=3)))[-1]
    assert isinstance(ended, Ended) and ended.status == "failed" and ended.step == 0
    assert ended.sentence == (
        "The label 'musical' is asked for and never trained on: the 3 training examples have ['sleepy', 'generous', 'hungry']."
    )
    objective = made("head")
    with pytest.raises(RunError, match="The label 'angry' is asked for"):
        objective.heldout_loss([TASK.heldout[0]._replace(answer="angry")])


def test_a_whole_run_of_a_head(tmp_path):
    events = list(train(replace(default_spec(MODEL, "story-mood", "head"), eval_every=0), out=tmp_path))
    result = events[-1].result
    assert result["score_before"] == 0.25 and result["score_after"] > 0.9
    assert result["trainable_params"] == 4 * D and result["forgetting_before"] == result["forgetting_after"]
    assert result["artifact_bytes"] == sum(f.stat().st_size for f in (tmp_path / "head").iterdir())
    (row,) = json.loads((tmp_path / "delta" / "delta.json").read_text())["matrices"]
    assert row["name"] == "classifier" and row["shape"] == [4, D] and row["norm"] > 0
