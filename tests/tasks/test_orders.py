"""Orders: what trains, what is asked, and what only the aside asks."""

from __future__ import annotations

import pytest

from engine.catalog.defaults import default_spec
from engine.tasks import load
from engine.tasks.orders import TRAINED, UNSEEN, read_order
from engine.training import train

TASK = load("orders")


def test_pairs_that_never_train_are_made_of_words_that_do():
    assert not set(TRAINED) & set(UNSEEN)
    for place in (0, 1):
        assert {pair[place] for pair in UNSEEN} <= {pair[place] for pair in TRAINED}
    assert {example.kind for example in TASK.train} == {example.kind for example in TASK.heldout} == {"-".join(pair) for pair in TRAINED}
    assert {example.kind for example in TASK.asides["unseen"]} == {"-".join(pair) for pair in UNSEEN}


@pytest.mark.parametrize("example", (*TASK.heldout, *TASK.asides["unseen"]), ids=lambda example: example.prompt[:40])
def test_the_reference_answer_passes_and_no_other_order_does(example):
    assert TASK.score(example, example.answer)
    ending, voice, opening = read_order(example.prompt)
    other = "cheer" if voice == "plain" else "plain"
    assert not TASK.score(example._replace(prompt=f"<{ending}> <{other}> {opening}"), example.answer)


def test_a_run_learns_the_words_and_is_asked_of_pairs_that_never_train():
    looks = [event for event in train(default_spec("nano-0.5m", "orders", eval_every=0)) if event.event == "evaluated"]
    assert looks[0].score < 0.2
    assert looks[-1].score > 0.6
    assert {"unseen_score", "score_song-plain"} <= looks[-1].metrics.keys()
