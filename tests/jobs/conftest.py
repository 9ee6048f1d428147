"""A data folder of its own for each test, and nothing left running after it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import processes_of, wait_for

from engine import jobs
from engine.jobs import process
from engine.store import runs

HERE = Path(__file__).parent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs here compute `short_recipe.train`, in real workers under a real supervisor."""
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.setenv("DELTALAB_TRAIN", "short_recipe:train")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)
    yield tmp_path
    assert jobs.stop_supervisor(20)
    for row in runs.live():
        process.send(row.worker_pid, row.worker_token, signal.SIGKILL, group=True)
    wait_for(lambda: not processes_of(tmp_path), 20, "all of the test's processes to be gone")


@pytest.fixture
def alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No supervisor is started: what is asked for stays queued."""
    monkeypatch.setattr("engine.jobs.local.ensure_supervisor", lambda: None)
    return home
