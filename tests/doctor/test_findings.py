"""Each finding, both ways: the sentence that a learner reads follows the numbers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.contracts import Answer, Evaluated, Probed, Started, Step
from engine.doctor import Story, findings, tell
from engine.recorded import recordings
from lessons.text import fill, read
from tests.doctor.make_data import FOLDER, specs
from tests.doctor.make_data import read as events_of

STARTED = Started({}, "h", "cpu", "a processor", "fp32", 2, 1000, 10, {})
STEPS = [Step(1, 2, 3.0, 1e-3, 1.0, 10, 50.0, 0.2, 0.2, 1), Step(2, 2, 1.0, 1e-3, 1.0, 10, 50.0, 0.4, 0.0, 1)]
BASE = Evaluated(0, 0.0, 1.0, 32, 3.0, 0.0)
LAST = Evaluated(2, 0.9, 0.97, 32, 1.0, 0.0035)
RLHF = replace(STARTED, spec={"objective": "rlhf"})
CHANGED, SAME = (Answer("q", "a base answer", "another", False),), (Answer("q", "a base answer", "a base answer", False),)
PROBES = [Probed(0, 2.8, 64), Probed(2, 2.9, 64)]
ASKED = [Probed(0, 2.8, 64, 0.75, 12), Probed(2, 2.9, 64, 0.5, 12)]


def keys(*, started=STARTED, steps=STEPS, base=BASE, last=LAST, probes=PROBES) -> list[str]:
    return [f.key for f in findings(tell([started, *steps, base, last, *probes]))]


@pytest.mark.parametrize(
    ("changed", "present", "absent"),
    [
        ({}, "learned", "unmoved"),
        ({"last": replace(LAST, score=0.1, loss=3.0)}, "unmoved", "learned"),
        ({"last": replace(LAST, score=0.1, answers=CHANGED)}, "elsewhere", "unmoved"),
        ({"last": replace(LAST, score=0.1, answers=SAME)}, "unmoved", "elsewhere"),
        ({"last": replace(LAST, score=0.1, loss=4.0)}, "broke", "unmoved"),
        ({"last": replace(LAST, score=0.1, fact_score=0.6, answers=CHANGED)}, "broke", "elsewhere"),
        ({"base": replace(BASE, score=1.0), "last": replace(LAST, score=0.5)}, "broke", "learned"),
        ({}, "loss-fell", "loss-rose"),
        ({"last": replace(LAST, loss=3.5)}, "loss-rose", "loss-exploded"),
        ({"last": replace(LAST, loss=3.5), "steps": STEPS[::-1]}, "loss-exploded", "loss-rose"),
        ({"last": replace(LAST, loss=3.01)}, "loss-still", "loss-rose"),
        ({"started": RLHF}, "policy-near", "loss-fell"),
        ({"started": RLHF, "last": replace(LAST, loss=9.0)}, "policy-astray", "loss-rose"),
        ({}, "drift", "drift-none"),
        ({"last": replace(LAST, drift=0.0)}, "drift-none", "drift"),
        ({}, "facts-kept", "facts-lost"),
        ({"last": replace(LAST, fact_score=0.7)}, "facts-lost", "facts-kept"),
        ({}, "remembered", "forgot"),
        ({"probes": [PROBES[0], Probed(2, 3.4, 64)]}, "forgot", "remembered"),
        ({"probes": ASKED}, "asked-lost", "asked-kept"),
        ({"probes": ASKED[:1] * 2}, "asked-kept", "asked-lost"),
        ({}, "remembered", "asked-kept"),
        ({}, "size-part", "size-all"),
        ({"started": replace(STARTED, trainable_params=1000)}, "size-all", "size-part"),
    ],
)
def test_both_outcomes(changed, present, absent):
    found = keys(**changed)
    assert present in found and absent not in found


def test_no_facts_no_sentence_about_them():
    found = keys(base=replace(BASE, fact_score=None), last=replace(LAST, fact_score=None))
    assert not [key for key in found if key.startswith("facts")]


def test_numbers_in_words():
    found = {f.key: f.values for f in findings(tell([STARTED, *STEPS, BASE, LAST, *PROBES]))}
    assert {f.key: f.values for f in findings(tell([STARTED, *STEPS, BASE, LAST, *ASKED]))}["asked-lost"] == {
        "before": "9",
        "after": "6",
        "asked": "12",
    }
    assert found["learned"] == {"before": "0 of 32", "after": "29 of 32", "steps": "2"}
    assert found["drift"] == {"share": "0.35%", "one_in": "286"}


def test_weights_that_moved_far_or_that_stay_frozen():
    assert "drift-far" in keys(last=replace(LAST, drift=0.25)) and "drift" not in keys(last=replace(LAST, drift=0.25))
    frozen = replace(STARTED, spec={**STARTED.spec, "method": "prompt"})
    assert not [f.key for f in findings(tell([frozen, *STEPS, BASE, LAST])) if f.key.startswith("drift")]


def test_an_unfinished_run_has_no_findings():
    assert findings(tell([])) == ()
    assert findings(tell([STARTED, *STEPS, BASE])) == ()


def shown_by(*stories: Story) -> set[str]:
    """The keys of all their findings, whose sentences are filled on the way."""
    shown = set()
    for finding in (finding for story in stories for finding in findings(story)):
        sentence = fill(read("read", finding.key), **finding.values)
        assert not re.search(r"\{\{|\}\}|e\+", sentence)
        shown.add(finding.key)
    return shown


def test_every_sentence_can_be_filled():
    written = {path.stem for path in (Path(read.__wrapped__.__code__.co_filename).parent / "read").glob("*.md")}
    real = shown_by(*(tell(events_of(name)) for name in specs() if (FOLDER / f"{name}.jsonl.gz").exists()))
    assert real | {"drift-none"} == written
    assert shown_by(tell([STARTED, *STEPS, BASE, replace(LAST, drift=0.0)])) >= {"drift-none"}


@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("lr-too-high-0", {"broke", "loss-exploded", "drift-far", "forgot"}, {"unmoved", "loss-rose"}),
        ("reward-hacked-0", {"broke", "policy-astray"}, {"unmoved", "loss-rose"}),
        ("healthy-leashed-3", {"learned", "policy-near"}, {"broke", "loss-fell"}),
        ("lr-too-high-full-0", {"learned", "facts-lost", "drift-far"}, {"broke"}),
        ("lr-too-low-0", {"unmoved", "loss-still"}, {"broke", "elsewhere", "loss-rose"}),
        ("overfit-0", {"broke", "loss-rose"}, {"unmoved", "loss-exploded"}),
        ("adapter-off-0", {"unmoved", "loss-still"}, {"loss-rose"}),
        ("healthy-small-3", {"elsewhere", "loss-fell"}, {"unmoved", "broke"}),
        ("healthy-lora-0", {"learned", "loss-fell"}, {"broke", "loss-exploded"}),
    ],
)
def test_runs_that_were_made_are_told_as_they_went(name, present, absent):
    found = shown_by(tell(events_of(name)))
    assert present <= found and not absent & found


def test_a_share_above_one_is_written_out():
    moved = next(f for f in findings(tell(events_of("lr-too-high-0"))) if f.key == "drift-far")
    assert moved.values["share"] == "1,867%"


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: r.name)
def test_recorded_runs_tell_a_whole_story(recording):
    story = tell(recording.events)
    assert story.ended and story.ended.status == "done"
    assert story.base and story.latest and story.progress == 1.0
    assert "learned" in [f.key for f in findings(story)]
