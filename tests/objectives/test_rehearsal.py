"""Rehearsal puts its exact share of old rows into the steps, and leaves everything that is looked at afterwards as it was."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.defaults import default_spec
from engine.contracts import Evaluated, Phase, Probed, Step
from engine.models.nano.grammar import read_opening
from engine.objectives import rehearse
from engine.objectives.rehearse import mixed, old_rows
from engine.objectives.rows import Row
from engine.tasks import load as load_task
from engine.tasks import load_probe
from engine.tasks.rehearsal import LONGEST_ANSWER_TOKENS, rehearsed
from engine.training import train
from engine.training.observe import Run

NEW, OLD = ([Row([mark + i, 7], 1) for i in range(count)] for mark, count in ((100, 6), (200, 4)))


def spec(**chosen):
    return default_spec("nano-0.1m", **{"eval_every": 0, "steps": 4, **chosen})


@given(st.floats(0.01, 0.99), st.integers(1, 9), st.integers(1, 30), st.integers(0, 9))
def test_the_share_is_exact_after_every_step_and_a_step_keeps_its_size(share, micro_batch, steps, seed):
    drawn = list(mixed(NEW, OLD, spec(rehearsal=share, micro_batch=micro_batch, steps=steps, seed=seed)))
    assert [len(rows) for rows in drawn] == [micro_batch] * steps
    seen = 0
    for step, rows in enumerate(drawn, 1):
        seen += sum(row.ids[0] >= 200 for row in rows)
        assert abs(seen - share * micro_batch * step) <= 0.5 + 1e-9


def test_each_kind_of_row_comes_once_an_epoch():
    drawn = [row.ids[0] for rows in mixed(NEW, OLD, spec(rehearsal=0.5, micro_batch=4, steps=6)) for row in rows]
    new, old = ([mark for mark in drawn if (mark >= 200) == wanted] for wanted in (False, True))
    assert sorted(new[:6]) == sorted(new[6:]) == [row.ids[0] for row in NEW]
    assert sorted(old[:4]) == sorted(old[4:8]) == sorted(old[8:]) == [row.ids[0] for row in OLD]


def test_nothing_to_learn_takes_no_step():
    assert list(mixed([], OLD, spec(rehearsal=0.5))) == []


def test_a_run_without_rehearsal_is_the_run_that_it_was_bit_for_bit():
    plain, said = (list(train(spec(**chosen))) for chosen in ({}, {"rehearsal": 0.0}))
    for one, other in zip(plain, said, strict=True):
        if isinstance(one, Step):
            assert (one.loss, one.grad_norm, one.tokens, one.metrics) == (other.loss, other.grad_norm, other.tokens, other.metrics)
        if isinstance(one, (Evaluated, Probed)):
            assert one == other
    assert not any(isinstance(event, Phase) and event.name == "preparing" for event in plain)


def test_what_is_looked_at_does_not_depend_on_rehearsal():
    usual, run = Run(spec(), None, False), Run(spec(rehearsal=0.5), None, False)
    list(run.objective.prepare())
    assert run.look(1, 8) == usual.look(1, 8), "an untrained model loses and scores the same"
    assert run.look_at_probe(1) == usual.look_at_probe(1)


def test_old_rows_stand_in_the_batches_and_the_loss_sees_them(monkeypatch):
    run = Run(spec(rehearsal=0.25, micro_batch=8), None, False)
    list(run.objective.prepare())
    mine = {tuple(row.ids) for row in run.objective.rows}
    for batch in run.objective.batches():
        rows = [tuple(ids[mask.bool()].tolist()) for ids, mask in zip(batch.ids, batch.mask, strict=True)]
        assert [row in mine for row in rows] == [True] * 6 + [False] * 2
    assert run.objective.loss(batch).metrics["loss_tokens"] == int((batch.labels != -100).sum())


def test_nano_rehearses_whole_stories_of_the_grammar_and_none_of_the_probe_or_the_task():
    found = rehearsed("nano", 1000)
    assert len(found) == 256 and found[:3] == rehearsed("nano", 3)
    assert all(read_opening(example.prompt) and example.answer.endswith(("The end.", "The end!")) for example in found)
    task = load_task("stories")
    known = {example.prompt for part in (load_probe("nano").examples, task.train, task.heldout) for example in part}
    assert not known & {example.prompt for example in found}


def test_a_base_that_has_to_answer_is_asked_without_the_adapter_and_a_cut_answer_has_no_end_mark(monkeypatch):
    run = Run(spec(method="full", rehearsal=0.5, steps=1, micro_batch=4), None, False)
    tokenizer, model = run.tokenizer, run.adaptation.model
    asked = tuple(example._replace(answer="") for example in run.task.train[:2])
    monkeypatch.setattr(rehearse, "rehearsed", lambda models, count: asked[:count])
    with torch.no_grad():
        model.get_output_embeddings().weight.zero_()  # a model that was trained to say nothing
    whole = old_rows(run.adaptation, tokenizer, "nano", run.spec)
    assert len(whole) == 2 and all(row.ids[-1] == tokenizer.eos_token_id for row in whole if row.answer_tokens <= LONGEST_ANSWER_TOKENS)
    said = [tokenizer.decode(row.ids[-row.answer_tokens :], skip_special_tokens=True) for row in whole]
    assert all("showed the" in text for text in said), "the base speaks, not the model as it stands"
    monkeypatch.setattr(rehearse, "LONGEST_ANSWER_TOKENS", 5)
    cut = old_rows(run.adaptation, tokenizer, "nano", run.spec)
    assert all(row.answer_tokens == 5 and row.ids[-1] != tokenizer.eos_token_id for row in cut)


@pytest.mark.parametrize("method", ["lora", "prompt"])
def test_old_data_are_kept_better_with_it_than_without(method):
    after = {}
    for share in (0.0, 0.5):
        chosen = default_spec("nano-0.1m", "stories", method, eval_every=0, rehearsal=share)
        after[share] = [event for event in train(chosen) if isinstance(event, Probed)][-1].loss
    assert after[0.5] < after[0.0]
