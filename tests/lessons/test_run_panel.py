"""The parts of a lesson around a run: the prediction, the dials, the button, and full fine-tuning's counterpart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.contracts import Ended, Evaluated, Phase, RunSpec
from engine.recorded import find_recording
from engine.store import events, predictions, runs
from lessons.panels.delta import counterpart, counterpart_spec
from lessons.panels.dial_list import DIALS
from lessons.text import label, table

LEARNER = "0" * 32
MODEL = "nano-0.5m"
SPEC = default_spec(MODEL, "stories", "lora")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own; what is asked for stays queued until the test ends it."""
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.setattr("lessons.lesson.learner_id", lambda: LEARNER)
    monkeypatch.setattr("lessons.lesson.quiz", lambda *_, **__: None)


def queued(spec: RunSpec) -> str:
    return jobs.submit(spec, anew=True)


def done(spec: RunSpec) -> str:
    """A run that has ended with what the recorded one of its cell said and left."""
    run_id = queued(spec)
    kept = find_recording(spec.model, spec.task, spec.method, spec.objective)
    assert kept and runs.claim(run_id, 1, "no process")
    for event in kept.events[:-1]:
        events.append(run_id, event)
    runs.end(run_id, kept.events[-1])
    shutil.copytree(kept.folder / "delta", jobs.artifact_dir(run_id) / "delta")
    return run_id


def page_of(method: str, run: str | None = None, **address: str) -> AppTest:
    """A lesson of one method without picture and questions."""
    test = AppTest.from_function(_page, args=(method,), default_timeout=60)
    for name, value in {**address, **({"run": run} if run else {})}.items():
        test.query_params[name] = value
    return test.run()


def _page(method: str) -> None:
    from lessons import full_fine_tuning, lora
    from lessons.lesson import show

    lesson = {"lora": lora, "full": full_fine_tuning}[method].LESSON
    show(lesson._replace(picture=None, parts={}))


def words(test: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "success", "warning", "error")
    return "\n".join(element.value for kind in kinds for element in getattr(test, kind))


def dial(name: str, spec: RunSpec = SPEC) -> str:
    return f"dial-{spec.model}-{spec.task}-{spec.method}-{spec.objective}-{name}"


def test_the_run_in_view_does_not_score_a_prediction_made_after_it() -> None:
    first = done(SPEC)
    test = page_of("lora", first, model=MODEL)
    test.button("predict-commit-lora").click().run()
    assert not test.exception
    (made,) = predictions.history(LEARNER)
    assert made.score is None, "its answer was on the screen"
    assert label("predict.waits") in words(test)
    again = page_of("lora", first, model=MODEL)
    assert label("predict.waits") in words(again) and predictions.history(LEARNER)[0].score is None, "nor after a reload"
    second = done(SPEC.with_(seed=1))
    page_of("lora", second, model=MODEL)
    (scored,) = predictions.history(LEARNER)
    assert scored.score is not None and scored.run_id == second


def _offer(spec_json: str) -> None:
    from engine.contracts import RunSpec
    from lessons.panels.delta import _offer

    _offer(RunSpec.from_json(spec_json))


def test_the_counterpart_shows_its_place_and_its_end() -> None:
    queued(SPEC)
    mine = SPEC.with_(steps=12)
    test = AppTest.from_function(_offer, args=(mine.to_json(),), default_timeout=60).run()
    test.button("counterpart").click().run()
    wanted = counterpart_spec(mine)
    (run,) = [run for run in jobs.recent() if run.spec == wanted]
    assert not test.exception and [button.key for button in test.button] == ["counterpart-cancel"]
    assert "Waiting at place 2 of the queue." in test.get("progress")[0].proto.text
    reloaded = AppTest.from_function(_offer, args=(mine.to_json(),), default_timeout=60).run()
    assert [button.key for button in reloaded.button] == ["counterpart-cancel"], "another session finds it too"
    assert runs.claim(run.run_id, 1, "no process")
    runs.end(run.run_id, Ended("failed", "It broke.", "Mend it."))
    test.run()
    assert "It broke. Mend it." in words(test)
    assert [button.key for button in test.button] == ["counterpart"]
    done(wanted)
    test.run()
    assert not test.button


def test_a_counterpart_whose_files_were_removed_is_offered_again() -> None:
    mine = SPEC.with_(steps=12)
    run_id = done(counterpart_spec(mine))
    assert counterpart(mine).whose == label("whose.own")
    assert runs.note_removed(run_id)
    assert counterpart(mine).whose == label("whose.recorded"), "the recorded line stands in for it"
    test = AppTest.from_function(_offer, args=(mine.to_json(),), default_timeout=60).run()
    assert [button.key for button in test.button] == ["counterpart"]


def test_the_dials_follow_a_run_that_is_opened_once() -> None:
    spec = default_spec("nano-0.1m", "stories", "lora", rank=4, steps=40, seed=7)
    test = page_of("lora", done_like(spec))
    assert not test.exception
    assert test.selectbox("dial-model").value == "nano-0.1m"
    values = {name: test.session_state[dial(name, spec)] for name in ("rank", "steps", "seed", "learning_rate")}
    assert values == {"rank": 4, "steps": 40, "seed": 7, "learning_rate": spec.learning_rate}
    assert test.button("run-start").label == label("run.anew")
    test.number_input(dial("seed", spec)).set_value(8).run()
    assert test.number_input(dial("seed", spec)).value == 8, "the learner may turn them"
    assert test.button("run-start").label.startswith(label("run.start"))


def done_like(spec: RunSpec) -> str:
    """A run that has ended with nothing but its ending."""
    run_id = queued(spec)
    assert runs.claim(run_id, 1, "no process") and events.append(run_id, Phase("loading"))
    runs.end(run_id, Ended("done", "Done.", result={"seconds": 3.0}))
    return run_id


def test_what_the_address_sets_wins_over_the_run() -> None:
    spec = SPEC.with_(rank=4, steps=40)
    run_id = done_like(spec)
    test = page_of("lora", run_id, model=MODEL, steps="24")
    assert (test.session_state[dial("rank")], test.session_state[dial("steps")]) == (4, 24)
    other = page_of("lora", run_id, model="nano-0.1m")
    assert other.selectbox("dial-model").value == "nano-0.1m", "an address about another model is not about this run"


def test_full_fine_tuning_asks_whether_to_keep_the_model() -> None:
    test = page_of("full", model=MODEL)
    keep = test.checkbox("run-keep")
    assert keep.label == "Keep the whole model (1.9 MB)" and not keep.value
    keep.check().run()
    test.button("run-start").click().run()
    (run,) = jobs.recent()
    assert run.keep_model and run.spec.method == "full"
    assert not [box for box in page_of("lora", model=MODEL).checkbox if box.key == "run-keep"]


def test_a_hub_model_can_be_typed_and_nonsense_is_refused() -> None:
    test = page_of("lora", model="org/some-model")
    assert test.selectbox("dial-model").value == "org/some-model" and not test.exception and not test.error
    test.button("run-start").click().run()
    (run,) = jobs.recent()
    assert run.spec.model == "org/some-model" and run.spec.task == "pirate"
    assert runs.claim(run.run_id, 1, "no process")
    runs.end(run.run_id, Ended("failed", "The hub does not answer.", "These work: nano-0.1m."))
    test.run()
    assert "The hub does not answer. These work: nano-0.1m." in words(test) and not test.exception


@pytest.mark.parametrize(("typed", "says"), [("gpt-9", "model='gpt-9' is unknown; these work: nano-"), ("x" * 300, "must name a model")])
def test_nonsense_typed_for_a_model_is_refused(typed: str, says: str) -> None:
    test = AppTest.from_function(_page, args=("lora",), default_timeout=60)
    test.session_state["dial-model"] = typed
    test.run()
    assert says in words(test) and not test.exception
    assert not [button for button in test.button if button.key == "run-start"]


def test_a_model_chosen_on_another_page_that_cannot_run_here_gives_way() -> None:
    test = AppTest.from_function(_page, args=("lora",), default_timeout=60)
    test.session_state["dial-model"] = "smollm2-135m-instruct"
    test.run()
    assert test.selectbox("dial-model").value == MODEL and not test.error and test.button("run-start")


def test_nonsense_in_an_address_is_named_and_the_usual_model_stands_in() -> None:
    test = page_of("lora", model="gpt-9")
    assert "model='gpt-9' is not on this machine" in words(test)
    assert test.selectbox("dial-model").value == MODEL and test.button("run-start")


def test_the_help_of_a_dial_says_its_range() -> None:
    test = page_of("lora", model=MODEL)
    said = {
        name: element.help
        for name in ("learning_rate", "steps", "examples", "micro_batch")
        for element in test.select_slider
        if element.key == dial(name)
    }
    said["seed"] = test.number_input(dial("seed")).help
    ends = {
        "learning_rate": "at most 10.",
        "steps": "1 to 10,000.",
        "examples": "1 to 256.",
        "micro_batch": "1 to 512.",
        "seed": "0 to 2,147,483,647.",
    }
    assert {name for name, end in ends.items() if end not in said[name]} == set()
    assert {d.name for d in DIALS} <= set(table("dials")), "every dial has its words"


def test_the_score_of_the_base_is_called_so_until_the_tuned_model_was_looked_at() -> None:
    run_id = queued(SPEC)
    kept = find_recording(MODEL, "stories", "lora")
    assert kept and runs.claim(run_id, 1, "no process")
    looks = [place for place, event in enumerate(kept.events) if isinstance(event, Evaluated)]
    for event in kept.events[: looks[1]]:
        events.append(run_id, event)
    assert [metric.label for metric in page_of("lora", run_id, model=MODEL).metric][2] == label("run.score_base")
    events.append(run_id, kept.events[looks[1]])
    assert [metric.label for metric in page_of("lora", run_id, model=MODEL).metric][2] == label("run.score")
