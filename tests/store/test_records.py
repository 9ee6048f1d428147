"""Each noun of the store: what goes in comes out, once, and only for whom it belongs to."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.contracts import Answer, Ended, Evaluated, Phase, RunSpec, Step
from engine.store import answers, db, events, predictions, runs, settings

SPEC = RunSpec("nano-0.1m", "stories", "full")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)


def add(run_id: str = "one", spec: RunSpec = SPEC) -> str:
    with db.write() as connection:
        runs.add(connection, run_id, spec, device="cpu", dtype="fp32", keep_model=False)
    return run_id


def step(number: int) -> Step:
    return Step(number, 10, 0.5, 1e-3, 0.1, 100, 50.0, 1.0, 9.0, 10**9)


def test_a_run_lives_once() -> None:
    run_id = add()
    assert runs.get(run_id).state == "queued"
    assert runs.claim(run_id, 4, "boot:1")
    assert not runs.claim(run_id, 5, "boot:2"), "one worker"
    row = runs.get(run_id)
    assert (row.state, row.worker_pid, row.worker_token, row.attempts) == ("running", 4, "boot:1", 1)
    assert runs.end(run_id, Ended("done", "Done.", result={"score_after": 1.0}), folder_bytes=7)
    assert not runs.end(run_id, Ended("failed", "Too late.")), "one ending"
    assert not runs.ask_cancel(run_id)
    row = runs.get(run_id)
    assert (row.state, row.sentence, row.result, row.bytes) == ("done", "Done.", {"score_after": 1.0}, 7)
    assert [event.event for _, event in events.after(run_id)] == ["ended"]
    assert RunSpec.from_json(row.spec) == SPEC
    assert runs.get("another") is None


def test_a_requeued_run_keeps_its_place() -> None:
    add("one"), add("two")
    assert runs.claim("one", 4, "boot:1")
    assert runs.requeue("one")
    assert [row.id for row in runs.live()] == ["one", "two"]
    assert (runs.get("one").worker_pid, runs.get("one").attempts) == (None, 1)


def test_events_come_back_as_they_were_and_in_order() -> None:
    run_id = add()
    assert runs.claim(run_id, 4, "boot:1")
    written = [
        Phase("loading", "nano"),
        step(1),
        Evaluated(1, 0.5, None, 2, 1.0, 0.01, (Answer("Who?", "I — né", "Arr 🏴‍☠️", True, None),)),
        step(2),
    ]
    assert all(events.append(run_id, event) for event in written)
    assert events.after(run_id) == list(enumerate(written, 1))
    assert events.after(run_id, 3) == [(4, written[3])]
    assert events.after(run_id, 4) == []
    assert (events.last_step(run_id), events.last_number(run_id)) == (2, 4)


def test_nan_survives_the_way_through_json() -> None:
    run_id = add()
    runs.claim(run_id, 4, "boot:1")
    events.append(run_id, Step(1, 10, math.nan, 1e-3, math.inf, 100, 50.0, 1.0, 9.0, 0))
    _, event = events.after(run_id)[0]
    assert math.isnan(event.loss)
    assert math.isnan(event.grad_norm)


def test_only_a_running_run_takes_events() -> None:
    run_id = add()
    assert not events.append(run_id, step(1)), "queued"
    runs.claim(run_id, 4, "boot:1")
    assert events.append(run_id, step(1))
    runs.end(run_id, Ended("cancelled", "Cancelled."))
    assert not events.append(run_id, step(2)), "ended"
    assert not events.append("another", step(1))
    assert len(events.after(run_id)) == 2
    assert (events.last_step("another"), events.last_number("another")) == (0, 0)


def test_an_event_of_a_newer_version_is_passed_over() -> None:
    run_id = add()
    runs.claim(run_id, 4, "boot:1")
    events.append(run_id, step(1))
    with db.write() as connection:
        connection.exec_driver_sql("INSERT INTO events VALUES (?, 2, 0, ?)", (run_id, '{"event": "dreamt", "version": 9}'))
    events.append(run_id, step(2))
    assert [number for number, _ in events.after(run_id)] == [1, 3]


def test_a_poll_for_events_is_one_indexed_query() -> None:
    with db.read() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT seq, json FROM events WHERE run_id = 'a' AND seq > 5 ORDER BY seq"
        ).all()
    assert len(plan) == 1
    assert "USING INDEX" in plan[0][3]


def test_an_answer_taken_back_stays_in_the_log() -> None:
    first = answers.save("ada", "q1", ["a", "b"], 0.5, confidence=3, hints=1, seconds=4.5, page="lora", variant_seed=9)
    second = answers.save("ada", "q1", "c", 1.0, page="lora")
    answers.save("bob", "q1", "d", 0.0, page="start")
    assert [(row.chosen, row.credit, row.confidence, row.hints, row.seconds, row.variant_seed) for row in answers.history("ada")] == [
        (["a", "b"], 0.5, 3, 1, 4.5, 9),
        ("c", 1.0, None, 0, None, None),
    ]
    assert not answers.undo("bob", first), "not his"
    assert answers.undo("ada", first)
    assert not answers.undo("ada", first), "once"
    assert [row.id for row in answers.history("ada")] == [second]
    assert [row.undone_at is None for row in answers.history("ada", undone=True)] == [False, True]
    assert answers.history("ada", page="start") == []
    assert answers.history("ada", question_id="q2") == []


def test_a_prediction_is_scored_once() -> None:
    prediction = predictions.save("ada", "lora", {"rank": 8}, spec_hash=SPEC.hash)
    assert predictions.history("ada", page="lora")[0].score is None
    assert predictions.score(prediction, {"rank": 4}, 0.5, run_id="one")
    assert not predictions.score(prediction, {"rank": 8}, 1.0, run_id="two"), "the first run that answers it counts"
    (row,) = predictions.history("ada", run_id="one")
    assert (row.value, row.outcome, row.score, row.spec_hash) == ({"rank": 8}, {"rank": 4}, 0.5, SPEC.hash)
    assert predictions.history("bob") == []


def test_settings_belong_to_one_learner() -> None:
    settings.put("ada", "theme", "dark")
    settings.put("ada", "theme", {"name": "light"})
    settings.put("bob", "theme", "dark")
    assert settings.get("ada", "theme") == {"name": "light"}
    assert settings.get("ada", "lesson", "start") == "start"
    assert settings.everything("bob") == {"theme": "dark"}
