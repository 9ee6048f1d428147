"""The local runner's side of the caller: ask, look, stop. It writes to the store; the supervisor does the rest."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from engine.catalog.check import check
from engine.catalog.device import resolve
from engine.contracts import Ended, Event, RunError, RunSpec, SpecError, UnknownRunError
from engine.home import run_dir
from engine.jobs.presence import ensure_supervisor
from engine.jobs.runner import RunStatus
from engine.store import db, runs
from engine.store import events as event_log

QUEUE_LIMIT = 8
"""Runs that may wait; one more is refused."""
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 signs that nobody takes for one another


def submit(spec: RunSpec, keep_model: bool = False, anew: bool = False) -> str:
    """Put a run into the queue and return its id at once.

    A spec that is queued or running on the same device and dtype is shared, and one that is done, with its artifacts
    still there, is returned as it is: its state tells. `anew=True` makes a run of its own whatever there is.

    Raises:
        SpecError: the spec does not fit its model or task.
        RunError: the queue is full, or the store cannot be written.
    """
    check(spec)
    device, dtype, _ = resolve(spec.dtype)
    with db.write() as connection:
        twin = None if anew else _twin(runs.find(connection, spec.hash, device, dtype, (*runs.LIVE, runs.DONE)), keep_model)
        run_id = twin or new_id()
        if twin is None:
            need_room(runs.waiting(connection))
            runs.add(connection, run_id, spec, device=device, dtype=dtype, keep_model=keep_model)
    ensure_supervisor()
    return run_id


def cancel(run_id: str) -> None:
    """Ask a run to stop; within a second it has, with its last snapshot kept. A run that has ended stays as it is."""
    _row(run_id)
    never_started = Ended("cancelled", "Cancelled before it started.")
    if not runs.end(run_id, never_started, only_from=(runs.QUEUED,)):
        runs.ask_cancel(run_id)
    ensure_supervisor()


def status(run_id: str) -> RunStatus:
    """Where a run stands. Asking after a live run also sees to it that there is a supervisor.

    Raises:
        RunError: there is no such run.
    """
    row = _row(run_id)
    if row.state in runs.LIVE:
        ensure_supervisor()
    return _status(row)


def events(run_id: str, after: int = 0) -> list[tuple[int, Event]]:
    """What the run has said, numbered from 1, after a number; empty for a run that has said nothing. One indexed read."""
    return event_log.after(run_id, after)


def find_finished(spec: RunSpec, keep_model: bool = False) -> str | None:
    """The newest done run of this spec on this machine's device and dtype; one that has its artifacts before one that has not."""
    device, dtype, _ = resolve(spec.dtype)
    with db.read() as connection:
        done = runs.find(connection, spec.hash, device, dtype, (runs.DONE,))
    fitting = [row for row in done if row.keep_model or not keep_model]
    return min(fitting, key=lambda row: row.artifacts_removed is not None).id if fitting else None


def recent(limit: int = 50) -> list[RunStatus]:
    """The newest runs, newest first; one whose spec only a newer version can read is left out."""
    found = []
    for row in runs.recent(limit):
        with contextlib.suppress(SpecError):
            found.append(_status(row))
    return found


def pin(run_id: str, pinned: bool = True) -> None:
    """Keep a run's artifacts when others are removed to make room, or stop doing so."""
    if not runs.pin(run_id, pinned):
        raise _unknown(run_id)


def artifact_dir(run_id: str) -> Path:
    """Where a run leaves its artifacts: `adapter/` or `model/`, `delta/`, `result.json` and its log."""
    try:
        return run_dir(run_id)
    except ValueError:
        raise _unknown(run_id) from None


def _twin(found: list[runs.RunRow], keep_model: bool) -> str | None:
    live = [row.id for row in found if row.state in runs.LIVE and row.keep_model == keep_model and row.cancel_asked is None]
    done = [row.id for row in found if row.state == runs.DONE and row.keep_model >= keep_model and row.artifacts_removed is None]
    return next(iter(live + done), None)


def need_room(waiting: int) -> None:
    """Raises RunError where the queue is full."""
    if waiting >= QUEUE_LIMIT:
        raise RunError(
            f"The queue is full: {waiting} runs are waiting, and runs start one at a time in the order in which they were asked for.",
            "Try again when one has ended, or cancel one that is no longer needed.",
        )


def new_id() -> str:
    """A run id that nobody has."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))  # 60 bits: short in a link, and not to be guessed


def _row(run_id: str) -> runs.RunRow:
    row = runs.get(run_id)
    if row is None or row.kind != "train":
        raise _unknown(run_id)
    return row


def _unknown(run_id: str) -> UnknownRunError:
    return UnknownRunError(f"There is no run {run_id!r:.40} here.", "Choose one of the list of runs, or start a new one.")


def _status(row: runs.RunRow) -> RunStatus:
    position = runs.position(row)
    return RunStatus(
        run_id=row.id,
        state=row.state,
        position=position,
        created=row.created,
        started=row.started,
        ended=row.ended,
        cancelling=row.cancel_asked is not None and row.state == runs.RUNNING,
        sentence=row.sentence or _live_sentence(row, position),
        remedy=row.remedy,
        spec=RunSpec.from_json(row.spec),
        device=row.device,
        dtype=row.dtype,
        keep_model=row.keep_model,
        pinned=row.pinned,
        result=row.result,
        bytes=row.bytes,
        artifacts_removed=row.artifacts_removed,
    )


def _live_sentence(row: runs.RunRow, position: int) -> str:
    if row.state == runs.QUEUED:
        return "Next to start." if position <= 1 else f"Waiting at place {position} of the queue."
    return "Stopping." if row.cancel_asked is not None else "Running."
