"""Each mistake made on purpose shows in the events, and only where it was made."""

from __future__ import annotations

import pytest

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.contracts import Ended, Evaluated, Probed, SpecError, Step
from engine.models import load
from engine.objectives.rows import IGNORE, collate, make_row
from engine.tasks import load as load_task
from engine.training import train

EXAMPLE = load_task("stories").train[0]


def run(fault: str | None, **chosen):
    events = list(train(default_spec("nano-0.1m", fault=fault, steps=4, eval_every=0, **chosen)))
    assert isinstance(events[-1], Ended) and events[-1].status == "done"
    of = {kind: [event for event in events if isinstance(event, kind)] for kind in (Step, Evaluated, Probed)}
    return of[Step], {look.step: look for look in of[Evaluated]}, {probe.step: probe for probe in of[Probed]}


@pytest.fixture(scope="module")
def healthy():
    return run(None)


def test_rows_of_the_two_faults_in_the_data():
    _, tokenizer = load("nano-0.1m")
    right, counted, foreign = (make_row(tokenizer, EXAMPLE, 256, fault) for fault in (None, "prompt-loss", "wrong-template"))
    assert counted.ids == right.ids and counted.answer_tokens == len(right.ids) > right.answer_tokens
    assert foreign.ids != right.ids
    labels = collate([counted], tokenizer.pad_token_id).labels
    assert int((labels != IGNORE).sum()) == len(right.ids)


def test_loss_on_the_prompt_is_counted(healthy):
    steps, _, _ = run("prompt-loss")
    rows = default_spec("nano-0.1m").micro_batch
    assert all(step.metrics["loss_tokens"] == step.tokens - rows for step in steps), "all but each row's first token"
    assert all(step.metrics["loss_tokens"] < 0.75 * step.tokens for step in healthy[0])


def test_a_foreign_template_costs_loss_at_once_and_is_not_asked_for_later(healthy):
    steps, looks, _ = run("wrong-template")
    assert steps[0].loss > looks[0].loss + 1
    assert looks[0] == healthy[1][0], "the base is asked in its own template"
    assert abs(healthy[0][0].loss - looks[0].loss) < 0.3


@pytest.mark.parametrize("method", ["lora", "full"])
def test_an_adapter_left_off_answers_as_the_base_though_it_moved(method):
    _, looks, probes = run("adapter-off", method=method)
    assert looks[4].drift > 0
    assert looks[4].loss == looks[0].loss and probes[4].loss == probes[0].loss
    assert all(answer.base == answer.tuned for answer in looks[4].answers)


def test_a_model_compared_with_itself_differs_from_the_base_and_not_from_its_base(healthy):
    _, looks, probes = run("compared-with-itself")
    assert looks[4].loss == looks[0].loss == healthy[1][4].loss != healthy[1][0].loss
    assert probes[4].loss == probes[0].loss == healthy[2][4].loss
    assert all(answer.base == answer.tuned for answer in looks[4].answers)


BLOCK = 4 * 48 * 48 + 3 * 48 * 128
"""Weights in the linear layers of a block of nano-0.1m."""


@pytest.mark.parametrize(("targets", "movable"), [("all-linear", BLOCK), ("q,v", 2 * 48 * 48), ("k_proj", 48 * 48)])
def test_reach_is_the_share_of_weights_that_may_move(targets, movable):
    _, looks, _ = run(None, targets=targets)
    assert looks[4].metrics["reach"] == pytest.approx(movable / BLOCK)


def test_alpha_damps_the_change_and_not_b(healthy):
    _, looks, _ = run(None, alpha=0.01)
    assert looks[4].drift < 0.01 * healthy[1][4].drift
    assert 0.3 < looks[4].metrics["b_rms"] / healthy[1][4].metrics["b_rms"] < 3


def test_faults_of_the_rows_belong_to_sft():
    spec = default_spec("nano-0.1m")
    check(spec.with_(fault="adapter-off"))
    object.__setattr__(spec, "objective", "reward")
    object.__setattr__(spec, "fault", "prompt-loss")
    with pytest.raises(SpecError, match="fault=prompt-loss is made in sft's rows; leave it out for objective=reward"):
        check(spec)
