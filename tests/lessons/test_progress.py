"""How far a learner is: kept once, added up, found again, taken along and removed."""

from __future__ import annotations

import json

import pytest

from engine.store import answers, predictions, progress, record, settings
from lessons.arc import PARTS
from lessons.catalog import find
from lessons.panels.progress import left_at, signs

LEARNER, OTHER = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)


def test_the_first_time_counts_and_seconds_add_up():
    progress.mark(LEARNER, "lora", ["idea", "see"])
    first = progress.of(LEARNER)["lora"].parts["idea"]
    progress.mark(LEARNER, "lora", ["idea"])
    progress.spend(LEARNER, "lora", 30, "see")
    progress.spend(LEARNER, "lora", 12.5, "run")
    found = progress.of(LEARNER)
    assert found["lora"].parts["idea"] == first and set(found["lora"].parts) == {"idea", "see"}
    assert found["lora"].seconds == 42.5 and found["lora"].place == "run"
    assert progress.of(OTHER) == {}


def test_other_settings_are_no_progress():
    settings.put(LEARNER, "theme", "dark")
    assert progress.of(LEARNER) == {}


def test_erase_takes_all_of_one_learner_and_nothing_of_another():
    for learner in (LEARNER, OTHER):
        progress.mark(learner, "lora", ["idea"])
        predictions.save(learner, "lora", {"answers": 3, "of": 4})
        answers.save(learner, "q", {"picked": ["a"]}, 1.0)
        settings.put(learner, "theme", "dark")
    taken = record.everything(LEARNER)
    assert json.loads(json.dumps(taken)) == taken and LEARNER not in json.dumps(taken)
    assert taken["predictions"][0]["value"] == {"answers": 3, "of": 4} and taken["answers"][0]["chosen"] == {"picked": ["a"]}
    assert {row["key"] for row in taken["settings"]} == {"part/lora/idea", "theme"}
    record.erase(LEARNER)
    assert not any(record.everything(LEARNER)[name] for name in ("answers", "predictions", "settings"))
    assert progress.of(LEARNER) == {} and settings.everything(LEARNER) == {}
    assert predictions.history(LEARNER) == [] and answers.history(LEARNER) == []
    assert progress.of(OTHER) and predictions.history(OTHER) and answers.history(OTHER) and settings.everything(OTHER)["theme"] == "dark"


def test_the_rail_says_how_far_each_lesson_is():
    begun = progress.NOTHING._replace(parts={"idea": 1.0})
    whole = progress.NOTHING._replace(parts=dict.fromkeys(PARTS, 1.0))
    assert "content" not in signs({}) and "content" not in signs({"lora": progress.NOTHING})
    said = signs({"lora": begun, "start": whole})
    assert '[href$="/lora"]::after { content: "1/9" / ", 1 of 9 parts done"; }' in said
    assert '[href$="/start"]::after { content: "✓" / ", 9 of 9 parts done"; }' in said and said.count("content") == 2


@pytest.mark.parametrize(
    ("said", "seconds", "parts"),
    [
        ({"watch": "w", "number": 1, "seconds": 5, "seen": ["idea"], "place": "idea"}, 5, {"idea"}),
        ({"watch": "w", "number": 1, "seconds": 1e9, "seen": [], "place": "idea"}, 120, set()),
        ({"watch": "w", "number": 1, "seconds": -4, "seen": ["quiz", "nowhere"], "place": "../x"}, 0, set()),
        ({"watch": "w", "number": "one", "seconds": 5, "seen": ["idea"]}, None, set()),
        ({}, None, set()),
    ],
)
def test_what_a_browser_says_is_checked(said, seconds, parts, monkeypatch):
    import streamlit as st

    from lessons.panels import reading

    monkeypatch.setattr(st, "session_state", {})
    reading._keep("lora", LEARNER, said)
    reading._keep("lora", LEARNER, said)
    found = progress.of(LEARNER).get("lora", progress.NOTHING)
    assert found.seconds == (seconds or 0) and set(found.parts) == parts and found.place in (None, "idea")


def test_start_leads_on_to_where_one_was():
    some = progress.NOTHING._replace(parts={"idea": 1.0})
    whole = progress.NOTHING._replace(parts=dict.fromkeys(PARTS, 1.0))
    assert left_at({}) is None and left_at({"start": whole._replace(last=9.0)}) is None
    assert left_at({"lora": some._replace(last=5.0), "qlora": some._replace(last=3.0), "start": some._replace(last=9.0)}) == find("lora")
    assert left_at({"lora": whole._replace(last=5.0), "qlora": some._replace(last=3.0)}) == find("qlora"), "a lesson that is done leads on"
    assert left_at({"choosing": whole}) is None
