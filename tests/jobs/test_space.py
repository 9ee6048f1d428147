from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import jobs
from engine.contracts import Ended, RunError, RunSpec
from engine.jobs import space
from engine.store import runs

MEGABYTE = 1_000_000


def leave(seed: int, megabytes: float, state: str = "done") -> str:
    """A run with artifacts of that size."""
    run_id = jobs.submit(RunSpec("nano-0.1m", "stories", "full", seed=seed))
    assert runs.claim(run_id, 1, "no process")
    (jobs.artifact_dir(run_id) / "adapter").mkdir(parents=True)
    (jobs.artifact_dir(run_id) / "adapter" / "weights.safetensors").write_bytes(bytes(int(megabytes * MEGABYTE)))
    if state != "running":
        assert runs.end(run_id, Ended(state, "It ended."), folder_bytes=space.folder_bytes(jobs.artifact_dir(run_id)))
    return run_id


def test_the_oldest_unpinned_go_first_and_no_more_than_needed(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_CAP_GB", "0.003")
    running = leave(0, 1, "running")
    pinned, oldest, failed, kept, newest = leave(1, 0.5), leave(2, 1), leave(3, 0.5, "failed"), leave(4, 0.5), leave(5, 0.5)
    jobs.pin(pinned)
    assert space.trim() == [oldest], "4 MB under a cap of 3: one of 1 MB is enough"
    assert space.trim() == [], "and once it is enough, nothing more goes"
    assert not jobs.artifact_dir(oldest).exists()
    assert all(jobs.artifact_dir(run_id).exists() for run_id in (running, pinned, failed, kept, newest))
    gone = jobs.status(oldest)
    assert (gone.state, gone.bytes) == ("done", 0)
    assert gone.artifacts_removed == pytest.approx(time.time(), abs=60)
    assert jobs.events(oldest), "its events stay"


def test_pinned_live_and_newest_stay_whatever_room_they_take(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_CAP_GB", "0")
    running, pinned, failed, newest = leave(0, 1, "running"), leave(1, 1), leave(2, 1, "failed"), leave(3, 1)
    jobs.pin(pinned)
    assert space.trim() == [failed]
    assert [jobs.artifact_dir(run_id).exists() for run_id in (running, pinned, failed, newest)] == [True, True, False, True]
    jobs.pin(pinned, False)
    assert space.trim() == [pinned]


def test_a_folder_that_is_no_run_of_this_database_is_left_alone(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_CAP_GB", "0")
    (alone / "runs" / "somebodyelse").mkdir(parents=True)
    (alone / "runs" / "somebodyelse" / "file").write_bytes(bytes(MEGABYTE))
    assert space.trim() == []
    assert (alone / "runs" / "somebodyelse" / "file").exists()


def test_the_cap_is_5_gb_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DELTALAB_CAP_GB", raising=False)
    assert space.cap_bytes() == 5_000_000_000
    monkeypatch.setenv("DELTALAB_CAP_GB", "0.5")
    assert space.cap_bytes() == 500_000_000


@pytest.mark.parametrize("given", ["much", "-1", "nan", "inf", "1e99"])
def test_a_cap_that_is_no_size_is_a_sentence(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("DELTALAB_CAP_GB", given)
    with pytest.raises(RunError, match=f"DELTALAB_CAP_GB='{given}' must be a number of gigabytes"):
        space.cap_bytes()


def test_files_that_vanish_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert space.folder_bytes(tmp_path) == 5
    assert space.folder_bytes(tmp_path / "not there") == 0
