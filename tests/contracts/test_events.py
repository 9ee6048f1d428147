"""Events survive a trip through JSON, NaN included, and a newer program's extra fields do no harm."""

import json
import math

import pytest

from engine.contracts import Answer, Artifact, Ended, Evaluated, Phase, Probed, Started, Step, event_from_json, event_to_json

EVENTS = [
    Started({"model": "m"}, "abc", "cpu", "a processor", "bf16", 2, 100, 10, {"torch": "2"}),
    Phase("loading", "nano"),
    Step(1, 24, 3.5, 1e-3, 0.7, 140, 180.0, 0.8, 18.4, 10**9),
    Evaluated(6, 0.5, None, 8, 1.2, 0.002, (Answer("q", "b", "t", True, None), Answer("q2", "b2", "t2", False, True))),
    Evaluated(0, 0.0, 0.9, 8, 1.2, 0.0),
    Probed(0, 1.6, 64),
    Artifact("adapter", "/a/b", 12),
    Ended("done", "Done.", "", 24, {"score_after": 1.0}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.event)
def test_there_and_back(event):
    line = event_to_json(event)
    assert "\n" not in line
    assert json.loads(line)["event"] == event.event
    assert event_from_json(line) == event


def test_nan_becomes_null_and_comes_back_as_nan():
    line = event_to_json(Step(1, 2, math.nan, 1e-3, math.inf, 1, 1.0, 1.0, 1.0, 1))
    assert "NaN" not in line and "Infinity" not in line
    back = event_from_json(line)
    assert math.isnan(back.loss) and math.isnan(back.grad_norm)


def test_unknown_keys_of_a_newer_version_are_ignored():
    data = json.loads(event_to_json(Phase("loading"))) | {"version": 9, "mood": "good"}
    assert event_from_json(json.dumps(data)) == Phase("loading")


@pytest.mark.parametrize("line", ['{"event": "party"}', "[]", "{}"])
def test_what_is_no_event_is_refused(line):
    with pytest.raises(ValueError, match="not an event"):
        event_from_json(line)
