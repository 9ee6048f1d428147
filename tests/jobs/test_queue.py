"""What a caller is promised, with no process started: everything stays queued."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import jobs
from engine.contracts import Ended, Phase, RunError, RunSpec, SpecError
from engine.store import events, runs

SPEC = RunSpec("nano-0.1m", "stories", "full", steps=5)


def done(run_id: str) -> str:
    """As a worker leaves it."""
    assert runs.claim(run_id, 1, "no process")
    assert runs.end(run_id, Ended("done", "Done.", result={"score_after": 1.0}))
    return run_id


def test_positions_count_those_ahead(alone: Path) -> None:
    ids = [jobs.submit(SPEC.with_(seed=seed)) for seed in range(3)]
    assert [jobs.status(run_id).position for run_id in ids] == [1, 2, 3]
    assert [jobs.status(run_id).sentence for run_id in ids] == [
        "Next to start.",
        "Waiting at place 2 of the queue.",
        "Waiting at place 3 of the queue.",
    ]
    jobs.cancel(ids[0])
    assert [jobs.status(run_id).position for run_id in ids] == [0, 1, 2]
    assert [row.run_id for row in jobs.recent()] == ids[::-1]


def test_a_full_queue_says_so_and_takes_no_more(alone: Path) -> None:
    ids = [jobs.submit(SPEC.with_(seed=seed)) for seed in range(jobs.QUEUE_LIMIT)]
    with pytest.raises(RunError, match="The queue is full: 8 runs are waiting, and runs start one at a time in the order") as caught:
        jobs.submit(SPEC.with_(seed=99))
    assert "cancel one" in caught.value.remedy
    assert len(jobs.recent()) == jobs.QUEUE_LIMIT
    assert jobs.submit(SPEC.with_(seed=3)) == ids[3], "sharing needs no room"
    jobs.cancel(ids[0])
    assert jobs.status(jobs.submit(SPEC.with_(seed=99))).position == jobs.QUEUE_LIMIT


def test_equal_specs_share_a_run(alone: Path) -> None:
    run_id = jobs.submit(SPEC)
    assert jobs.submit(RunSpec.from_json(SPEC.to_json())) == run_id
    others = {
        jobs.submit(SPEC.with_(seed=1)),
        jobs.submit(SPEC, keep_model=True),
        jobs.submit(SPEC, anew=True),
        jobs.submit(SPEC.with_(dtype="fp32")),
    }
    assert len(others - {run_id}) == 4


def test_a_run_that_is_being_cancelled_is_not_shared(alone: Path) -> None:
    run_id = jobs.submit(SPEC)
    assert runs.claim(run_id, 1, "no process")
    assert jobs.submit(SPEC) == run_id
    jobs.cancel(run_id)
    assert jobs.status(run_id).cancelling
    assert jobs.submit(SPEC) != run_id


def test_auto_shares_with_the_dtype_it_comes_to_only_by_the_same_spec(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = jobs.submit(SPEC)
    monkeypatch.setattr("engine.jobs.local.resolve", lambda dtype: ("cuda", "bf16", 2))
    assert jobs.submit(SPEC) != first, "another device, another run"


def test_a_finished_run_is_found_again(alone: Path) -> None:
    assert jobs.find_finished(SPEC) is None
    first = jobs.submit(SPEC)
    assert jobs.find_finished(SPEC) is None
    done(first)
    assert jobs.find_finished(SPEC) == jobs.submit(SPEC) == first
    assert jobs.find_finished(SPEC, keep_model=True) is None
    assert jobs.status(first).result == {"score_after": 1.0}
    second = done(jobs.submit(SPEC, anew=True))
    assert second != first
    assert jobs.find_finished(SPEC) == second, "the newest"


def test_a_failed_or_cancelled_run_is_run_again(alone: Path) -> None:
    failed, cancelled = jobs.submit(SPEC), jobs.submit(SPEC.with_(seed=1))
    runs.claim(failed, 1, "no process")
    runs.end(failed, Ended("failed", "It broke.", "Mend it."))
    jobs.cancel(cancelled)
    assert jobs.submit(SPEC) != failed
    assert jobs.submit(SPEC.with_(seed=1)) != cancelled
    assert jobs.find_finished(SPEC) is None


def test_without_its_artifacts_a_finished_run_is_shown_but_run_again(alone: Path) -> None:
    run_id = done(jobs.submit(SPEC))
    assert runs.note_removed(run_id)
    assert jobs.find_finished(SPEC) == run_id
    assert jobs.status(run_id).artifacts_removed == pytest.approx(time.time(), abs=60)
    assert jobs.submit(SPEC) != run_id


def test_cancel_before_the_start_is_an_ending_like_any_other(alone: Path) -> None:
    run_id = jobs.submit(SPEC)
    jobs.cancel(run_id)
    assert jobs.events(run_id) == [(1, Ended("cancelled", "Cancelled before it started."))]
    assert not events.append(run_id, Phase("loading")), "nothing is written after the end"
    assert not runs.claim(run_id, 1, "no process"), "and nobody starts it"


@pytest.mark.parametrize("run_id", ["nosuchrun", "", "../../etc", "a'; drop table runs", "ä" * 100])
def test_an_unknown_run_is_a_sentence(alone: Path, run_id: str) -> None:
    for ask in (jobs.status, jobs.cancel, jobs.pin):
        with pytest.raises(RunError, match="There is no run"):
            ask(run_id)
    assert jobs.events(run_id) == []


def test_an_id_is_never_a_way_out_of_the_folder(alone: Path) -> None:
    run_id = jobs.submit(SPEC)
    assert jobs.artifact_dir(run_id) == alone / "runs" / run_id
    with pytest.raises(RunError, match="There is no run"):
        jobs.artifact_dir("../models")


def test_a_spec_that_does_not_fit_is_refused_before_it_queues(alone: Path) -> None:
    with pytest.raises(SpecError, match="examples=100000"):
        jobs.submit(SPEC.with_(examples=100_000))
    assert jobs.recent() == []


def test_the_runner_contract_is_kept() -> None:
    runner: jobs.Runner = jobs
    assert all(callable(getattr(runner, name)) for name in ("submit", "cancel", "status", "events"))
