"""One supervisor a database: how it holds its place, how it is started, and how it is stopped.

Its place is a lock of the operating system on a file beside the database: gone with its holder, however that ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

import engine
from engine.home import data_home
from engine.jobs import process
from engine.store import db
from engine.store.lock import try_lock

_children: dict[Path, subprocess.Popen[bytes]] = {}
"""Supervisors that this process has started, by lock."""
_known: set[Path] = set()
"""Locks whose holder this process has compared with its own code."""
_starting = threading.Lock()


def place() -> Path:
    """The file whose lock makes its holder the supervisor. It also says who that is, and its time is the last sign of life."""
    return db.lock_path("supervisor")


def take_place(wait_seconds: float = 1.0) -> int | None:
    """Become the supervisor of this database. None if another one is.

    Waits a little, since whoever looks whether there is a supervisor holds the lock for a moment.
    """
    deadline = time.monotonic() + wait_seconds
    while (descriptor := try_lock(place())) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)
    os.ftruncate(descriptor, 0)
    holder = {"pid": os.getpid(), "token": process.start_token(os.getpid()), "code": _code()}
    os.write(descriptor, json.dumps(holder).encode())
    return descriptor


def ensure_supervisor() -> None:
    """Start a supervisor unless there is one. Quick (well under 1 ms) when there is, so call it whenever a page opens.

    The call is also a sign of life: a supervisor that hears none for long, and has nothing to do, leaves.
    """
    path = place()
    with _starting:
        if path not in _known and _is_of_other_code():
            stop_supervisor()
        _known.add(path)
        descriptor = try_lock(path)
        if descriptor is None:
            os.utime(path)
            return
        os.close(descriptor)
        child = _children.get(path)
        if child is None or child.poll() is not None:  # one that still runs is on its way to the lock
            _children[path] = process.start_module("engine.jobs.supervisor", log=log_file("supervisor.log"), stdin=subprocess.DEVNULL)


def stop_supervisor(timeout_seconds: float = 5.0) -> bool:
    """Ask the supervisor to leave and wait for it. Running runs go on, queued ones stay. False if it did not leave."""
    deadline = time.monotonic() + timeout_seconds
    while not _is_gone():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def supervisor() -> tuple[int, str] | None:
    """Pid and start token of the supervisor, if one is there."""
    holder = _holder()
    return (holder["pid"], holder["token"]) if holder else None


def log_file(name: str) -> Path:
    """A log in the data folder, made anew once it is past 1 MB."""
    path = data_home() / "logs" / name
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.stat().st_size > 1_000_000:
        path.unlink()
    return path


def _is_gone() -> bool:
    """Whether there is no supervisor, nor one on its way; any that there is was told to leave."""
    descriptor, child, holder = try_lock(place()), _children.get(place()), supervisor()
    if descriptor is not None:
        os.close(descriptor)
    elif holder is not None:
        process.send(*holder, signal.SIGTERM)
    if child is None or child.poll() is not None:
        return descriptor is not None
    child.terminate()
    return False


def _holder() -> dict[str, Any] | None:
    """What the supervisor says of itself, if it lives."""
    try:
        holder = json.loads(place().read_text())
    except (OSError, ValueError):
        return None
    return holder if process.is_alive(holder["pid"], holder["token"]) else None


def _is_of_other_code() -> bool:
    """A supervisor outlives the app that started it, and so an update too: then it, and its worker, must be replaced."""
    holder = _holder()
    return holder is not None and holder.get("code") != _code()


@cache
def _code() -> str:
    """Where this program's code is, and when it was last changed."""
    root = Path(engine.__file__).parent
    return f"{root} {max(path.stat().st_mtime_ns for path in root.rglob('*.py'))}"
