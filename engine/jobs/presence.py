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
from pathlib import Path

from engine.home import data_home
from engine.jobs import process
from engine.store import db
from engine.store.lock import try_lock

_children: dict[Path, subprocess.Popen[bytes]] = {}
"""Supervisors that this process has started, by lock."""
_starting = threading.Lock()


def take_place(wait_seconds: float = 1.0) -> int | None:
    """Become the supervisor of this database. None if another one is.

    Waits a little, since whoever looks whether there is a supervisor holds the lock for a moment.
    """
    deadline = time.monotonic() + wait_seconds
    while (descriptor := try_lock(_lock())) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "token": process.start_token(os.getpid())}).encode())
    return descriptor


def ensure_supervisor() -> None:
    """Start a supervisor unless there is one. Quick (well under 1 ms) when there is, so call it whenever a page opens.

    The call is also a sign of life: a supervisor that hears none for long, and has nothing to do, leaves.
    """
    path = _lock()
    with _starting:
        descriptor = try_lock(path)
        if descriptor is None:
            os.utime(path)
            return
        os.close(descriptor)
        child = _children.get(path)
        if child is None or child.poll() is not None:  # one that still runs is on its way to the lock
            _children[path] = process.start_module("engine.jobs.supervisor", log_file("supervisor.log"), subprocess.DEVNULL)


def stop_supervisor(timeout_seconds: float = 5.0) -> bool:
    """Ask the supervisor to leave and wait for it. Running runs go on, queued ones stay. False if it did not leave."""
    deadline = time.monotonic() + timeout_seconds
    while (descriptor := try_lock(_lock())) is None:
        holder = supervisor()
        if holder is not None:
            process.send(*holder, signal.SIGTERM)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    os.close(descriptor)
    return True


def supervisor() -> tuple[int, str] | None:
    """Pid and start token of the supervisor, if one is there."""
    try:
        holder = json.loads(_lock().read_text())
    except (OSError, ValueError):
        return None
    pid, token = holder["pid"], holder["token"]
    return (pid, token) if process.is_alive(pid, token) else None


def last_sign_of_life() -> float:
    """When somebody last asked for a supervisor, seconds since 1970."""
    return _lock().stat().st_mtime


def log_file(name: str) -> Path:
    """A log in the data folder, made anew once it is past 1 MB."""
    path = data_home() / "logs" / name
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.stat().st_size > 1_000_000:
        path.unlink()
    return path


def _lock() -> Path:
    return db.lock_path("supervisor")
