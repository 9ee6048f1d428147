"""The doctor on runs that were really made: it finds every fault of the clinic in every seed, and accuses no healthy run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from engine.__main__ import main
from engine.catalog.check import check
from engine.catalog.clinic import CASES, find_case
from engine.cli.doctor import WORDS, sentences
from engine.contracts import NOT_FINITE, Ended, Evaluated, SpecError, Started, Step, event_to_json
from engine.doctor import diagnose, tell
from engine.recorded import recordings
from tests.doctor.make_data import FOLDER, read, specs

LOGS = sorted(path.name.removesuffix(".jsonl.gz") for path in FOLDER.glob("*.gz"))
HEALTHY_LOGS = [name for name in LOGS if name.startswith("healthy")]
ELSEWHERE_LOGS = [name for name in LOGS if name.startswith("elsewhere")]
CASE_LOGS = [name for name in LOGS if name not in HEALTHY_LOGS + ELSEWHERE_LOGS]
MAY_SHOW_TOO = {
    "wrong-template": {"overfit"},
    "diverged": {"forgot-much"},
    "dpo-past-best": {"dpo-chosen-falls"},
    "dpo-beta-small": {"dpo-chosen-falls"},
    "dpo-chosen-falls": {"dpo-past-best"},
}
"""A fault's own consequences, which are no false alarm beside it."""


def keys(events) -> list[str]:
    return [diagnosis.key for diagnosis in diagnose(tell(events)) if not diagnosis.limit]


@pytest.mark.parametrize("name", CASE_LOGS)
def test_every_fault_is_found_in_every_seed(name):
    case = CASES[name.rpartition("-")[0]]
    found = [diagnosis.key for diagnosis in diagnose(tell(read(name)))]
    assert case.shows in found
    assert set(found) <= {case.shows} | MAY_SHOW_TOO.get(case.shows, set())


@pytest.mark.parametrize("name", ELSEWHERE_LOGS)
def test_every_fault_is_found_on_a_task_that_set_no_threshold(name):
    wanted = name.removeprefix("elsewhere-").rpartition("-")[0]
    assert wanted in keys(read(name))


@pytest.mark.parametrize("name", HEALTHY_LOGS)
def test_no_healthy_run_is_accused(name):
    assert keys(read(name)) == []


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: r.name)
def test_no_recorded_run_is_accused(recording):
    assert keys(recording.events) == []


def test_every_nano_case_has_three_seeds_or_more():
    for name, case in CASES.items():
        if case.start["model"].startswith("nano"):
            assert sum(log.rpartition("-")[0] == name for log in LOGS) >= 3, name
    assert {log.rpartition("-")[0] for log in HEALTHY_LOGS} >= {"healthy-lora", "healthy-full"}


@pytest.mark.parametrize("name", LOGS)
def test_logs_are_of_the_specs_that_the_script_makes_today(name):
    started = next(event for event in read(name) if isinstance(event, Started))
    assert started.spec_hash == specs()[name].hash, "defaults changed since: python -m tests.doctor.make_data"


@pytest.mark.parametrize("name", [name for name in CASE_LOGS if name.endswith("-0")])
def test_the_spec_does_not_tell_the_doctor_of_the_fault(name):
    events = read(name)
    silent = [replace(e, spec={k: v for k, v in e.spec.items() if k != "fault"}) if isinstance(e, Started) else e for e in events]
    assert diagnose(tell(silent)) == diagnose(tell(events))


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_cases_are_specs_that_fit_and_so_are_their_mends(case, monkeypatch):
    monkeypatch.setattr("engine.catalog.check.is_present", lambda name: True)
    check(case.broken())
    check(case.mended())
    assert case.broken() != case.mended() or case.shows == "facts-backwards"
    assert case.broken(seed=3).seed == 3


def test_an_unknown_case_is_answered_with_those_that_exist():
    with pytest.raises(SpecError, match="case='flu' is not one of lr-too-low"):
        find_case("flu")


def test_every_diagnosis_has_words_and_all_words_are_of_a_case():
    told = {path.stem for path in WORDS.glob("*.md")}
    assert told == {case.shows for case in CASES.values()} | {"dpo-too-little"}
    for name in CASE_LOGS + ELSEWHERE_LOGS:
        for diagnosis in diagnose(tell(read(name))):
            text = sentences(diagnosis)
            assert [line.partition(".")[0] for line in text.split("\n\n")] == ["Symptom", "Cause", "Mend"]
            assert not re.search(r"[{}*]", text)


def test_a_run_that_stopped_at_nan_diverged_and_a_cancelled_one_is_left_alone():
    started = Started(json.loads(CASES["lr-too-high"].broken().to_json()), "h", "cpu", "", "fp32", 1, 10, 10, {})
    step = Step(1, 9, 3.0, 1e-1, 1.0, 10, 1.0, 1.0, 1.0, 1)
    assert keys([started, step, Ended("failed", f"{NOT_FINITE} at step 2.", "", 1)]) == ["diverged"]
    assert keys([started, step, Ended("failed", "The disk is full.", "", 1)]) == []
    assert keys([started, step, Evaluated(0, 0.0, None, 8, 3.0, 0.0), Ended("cancelled", "Stopped.", "", 1)]) == []
    assert keys([]) == []


def test_the_command_prints_sentences_json_and_refusals(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(event_to_json(event) for event in read("lr-too-low-0")) + "\n")
    assert main(["doctor", str(file)]) == 0
    assert "The learning rate of 1e-05 is too low" in capsys.readouterr().out
    assert main(["doctor", str(file), "--json"]) == 0
    assert [row["key"] for row in json.loads(capsys.readouterr().out)] == ["lr-too-low"]
    file.write_text("\n".join(event_to_json(event) for event in read("healthy-lora-0")) + "\n")
    assert main(["doctor", str(file)]) == 0
    assert capsys.readouterr().out.startswith("Nothing wrong")
    file.write_text(event_to_json(Ended("cancelled", "Stopped.", "", 3)))
    assert main(["doctor", str(file)]) == 0
    assert capsys.readouterr().out.startswith("The run ended as cancelled: Stopped.")
    for text, says in (("", "has not ended"), ("hello", "cannot be read as events")):
        file.write_text(text)
        assert main(["doctor", str(file)]) == 2
        assert says in capsys.readouterr().err
    assert main(["doctor", "nosuchrun"]) == 2
    assert "nosuchrun" in capsys.readouterr().err


def test_every_log_that_the_script_makes_is_there():
    assert set(specs()) == set(LOGS), "python -m tests.doctor.make_data makes the rest"
