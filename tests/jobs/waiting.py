"""Waiting for a state by looking, with a deadline."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import jobs


def wait_for(check: Callable[[], object], seconds: float, what: str) -> object:
    """Poll until `check` gives something true, and return it; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)
    return found


def wait_for_state(run_id: str, *states: str, seconds: float = 30) -> jobs.RunStatus:
    wait_for(lambda: jobs.status(run_id).state in states, seconds, f"state {' or '.join(states)}; it is {jobs.status(run_id)}")
    return jobs.status(run_id)


def wait_for_step(run_id: str, seconds: float = 30) -> int:
    """Wait until the run has told of a step, so that it is in the midst of its work."""
    return wait_for(lambda: _last_step(run_id), seconds, f"a first step of {run_id}")


def processes_of(home: Path) -> list[int]:
    """Pids of all processes but this one whose data folder this is."""
    mark = f"DELTALAB_HOME={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _last_step(run_id: str) -> int:
    steps = [event.step for _, event in jobs.events(run_id) if event.event == "step"]
    return steps[-1] if steps else 0
