"""The base is looked at once for each task and machine, and what is kept of it changes nothing."""

from dataclasses import asdict, replace

import pytest

from engine.catalog.defaults import default_spec
from engine.contracts import Evaluated, Probed
from engine.training import observe, train
from engine.training.base_look import keep_at


@pytest.fixture
def answered(monkeypatch, tmp_path):
    """How often the model was made to answer; a data folder of its own."""
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    calls = []
    from engine.objectives.sft import SFT

    said = SFT.answers
    monkeypatch.setattr(SFT, "answers", lambda self, examples: calls.append(len(examples)) or said(self, examples))
    return calls


def looks(spec):
    return [asdict(event) for event in train(spec) if isinstance(event, Evaluated | Probed)]


def test_a_second_run_finds_the_same_without_asking_the_base_again(answered):
    spec = default_spec("nano-0.1m", steps=4, eval_every=2)
    first = looks(spec)
    asked_first = len(answered)
    assert looks(spec) == first
    assert len(answered) - asked_first == asked_first - 1


def test_another_seed_or_rank_has_the_same_base_and_another_question_is_asked_anew(answered, monkeypatch):
    spec = default_spec("nano-0.1m", steps=2, eval_every=0)
    looks(spec)
    first = len(answered)
    looks(replace(spec, seed=1, rank=4))
    assert len(answered) - first == first - 1
    task = observe.load_task("stories")
    monkeypatch.setattr(observe, "load_task", lambda _: replace(task, heldout=task.heldout[:5]))
    looks(spec)
    assert answered[-2:] == [5, 5]


def test_a_file_cut_short_is_found_anew(answered, tmp_path):
    spec = default_spec("nano-0.1m", steps=2, eval_every=0)
    first = looks(spec)
    (kept,) = (tmp_path / "bases").iterdir()
    kept.write_text('{"loss')
    assert looks(spec) == first


def test_nothing_is_kept_where_the_base_has_parts_of_chance_or_a_fault():
    spec = default_spec("nano-0.1m")
    assert keep_at(spec, ()) and not keep_at(replace(spec, fault="adapter-off"), ())
    assert not keep_at(default_spec("nano-0.5m", "story-mood", "head"), ())
    assert keep_at(replace(spec, rank=2), ()) == keep_at(spec, ()) != keep_at(spec, (2,))
