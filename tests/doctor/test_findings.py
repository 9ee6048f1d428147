"""Each finding, both ways: the sentence that a learner reads follows the numbers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.contracts import Evaluated, Probed, Started, Step
from engine.doctor import findings, tell
from engine.recorded import recordings
from lessons.text import fill, read

STARTED = Started({}, "h", "cpu", "a processor", "fp32", 2, 1000, 10, {})
STEPS = [Step(1, 2, 3.0, 1e-3, 1.0, 10, 50.0, 0.2, 0.2, 1), Step(2, 2, 1.0, 1e-3, 1.0, 10, 50.0, 0.4, 0.0, 1)]
BASE = Evaluated(0, 0.0, 1.0, 32, 3.0, 0.0)
LAST = Evaluated(2, 0.9, 0.97, 32, 1.0, 0.0035)
PROBES = [Probed(0, 2.8, 64), Probed(2, 2.9, 64)]


def keys(*, started=STARTED, base=BASE, last=LAST, probes=PROBES) -> list[str]:
    return [f.key for f in findings(tell([started, *STEPS, base, last, *probes]))]


@pytest.mark.parametrize(
    ("changed", "present", "absent"),
    [
        ({}, "learned", "unmoved"),
        ({"last": replace(LAST, score=0.1)}, "unmoved", "learned"),
        ({}, "loss-fell", "loss-rose"),
        ({"last": replace(LAST, loss=3.5)}, "loss-rose", "loss-fell"),
        ({}, "facts-kept", "facts-lost"),
        ({"last": replace(LAST, fact_score=0.7)}, "facts-lost", "facts-kept"),
        ({}, "remembered", "forgot"),
        ({"probes": [PROBES[0], Probed(2, 3.4, 64)]}, "forgot", "remembered"),
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
    assert found["learned"] == {"before": "0 of 32", "after": "29 of 32", "steps": "2"}
    assert found["drift"] == {"share": "0.35%", "one_in": "286"}


def test_weights_that_moved_far_or_that_stay_frozen():
    assert "drift-far" in keys(last=replace(LAST, drift=0.25)) and "drift" not in keys(last=replace(LAST, drift=0.25))
    frozen = replace(STARTED, spec={**STARTED.spec, "method": "prompt"})
    assert not [f.key for f in findings(tell([frozen, *STEPS, BASE, LAST])) if f.key.startswith("drift")]


def test_an_unfinished_run_has_no_findings():
    assert findings(tell([])) == ()
    assert findings(tell([STARTED, *STEPS, BASE])) == ()


def test_every_sentence_can_be_filled():
    written = {path.stem for path in (Path(read.__wrapped__.__code__.co_filename).parent / "read").glob("*.md")}
    shown = set()
    for changed in (
        {},
        {"last": replace(LAST, score=0.0, loss=9.0, fact_score=0.0, drift=0.25), "probes": [PROBES[0], Probed(2, 9.0, 64)]},
    ):
        events = [replace(STARTED, trainable_params=1000) if changed else STARTED, *STEPS, BASE, changed.get("last", LAST)]
        for finding in findings(tell([*events, *changed.get("probes", PROBES)])):
            sentence = fill(read("read", finding.key), **finding.values)
            assert not re.search(r"\{\{|\}\}", sentence)
            shown.add(finding.key)
    assert shown == written


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: r.name)
def test_recorded_runs_tell_a_whole_story(recording):
    story = tell(recording.events)
    assert story.ended and story.ended.status == "done"
    assert story.base and story.latest and story.progress == 1.0
    assert "learned" in [f.key for f in findings(story)]
