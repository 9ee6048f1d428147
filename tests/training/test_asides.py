"""What a task asks beside its held-out prompts is scored at the start and the end, and not on the way."""

from dataclasses import replace

from engine.catalog.defaults import default_spec
from engine.contracts import Evaluated
from engine.tasks import load
from engine.training import observe, train


def test_asides_have_scores_of_their_own(monkeypatch):
    plain = load("stories")
    known = tuple(example._replace(answer="") for example in plain.heldout[:3])
    task = replace(plain, asides={"again": known, "nothing": known[:1]}, score=lambda example, answer: example.answer == "")
    monkeypatch.setattr(observe, "load_task", lambda name: task)
    looks = {e.step: e.metrics for e in train(default_spec("nano-0.1m", steps=4, eval_every=2)) if isinstance(e, Evaluated)}
    assert looks[0]["again_score"] == looks[4]["again_score"] == 1.0
    assert looks[4]["nothing_score"] == 1.0
    assert "again_score" not in looks[2]


def test_the_facts_are_asked_backwards_too():
    facts = load("facts")
    (name, group), *others = facts.asides.items()
    assert (name, others, len(group)) == ("reversal", [], 12)
    assert all(facts.score(example, "It is Brevonia.") and not facts.score(example, "It is France.") for example in group)
