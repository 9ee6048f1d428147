"""Runs: what was asked for, how far it is, how it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Row, func, insert, select, update

from engine.contracts import Ended
from engine.store import db, events
from engine.store.tables import runs

QUEUED, RUNNING, DONE, CANCELLED, FAILED = "queued", "running", "done", "cancelled", "failed"
LIVE = (QUEUED, RUNNING)


class RunRow(NamedTuple):
    """One run as the database holds it. Times are seconds since 1970, UTC; None where it has not happened."""

    id: str
    kind: str
    spec_hash: str
    spec: str
    """JSON of what was asked for: of a RunSpec, or of a trace's question."""
    method: str
    model: str
    task: str
    device: str
    dtype: str
    keep_model: bool
    pinned: bool
    """Its artifacts are never removed to make room."""
    state: str
    """"queued", "running", "done", "cancelled" or "failed"."""
    created: float
    started: float | None
    ended: float | None
    cancel_asked: float | None
    attempts: int
    """Times that a worker was given this run."""
    worker_pid: int | None
    worker_token: str | None
    """Start token of the worker's process: tells it from a later one with the same pid."""
    sentence: str
    remedy: str
    result: dict[str, Any] | None
    bytes: int
    """What its folder takes on the disk."""
    artifacts_removed: float | None
    """When its artifacts were removed to make room."""


class Asked(Protocol):
    """What the row holds of a run's question; a RunSpec is one."""

    @property
    def hash(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def task(self) -> str: ...
    def to_json(self) -> str: ...


def add(connection: Connection, run_id: str, spec: Asked, *, device: str, dtype: str, keep_model: bool, kind: str = "train") -> None:
    """Put a run at the end of the queue."""
    columns = {"spec_hash": spec.hash, "spec": spec.to_json(), "method": spec.method, "model": spec.model, "task": spec.task}
    place = {"device": device, "dtype": dtype, "keep_model": keep_model, "kind": kind}
    connection.execute(insert(runs).values(id=run_id, state=QUEUED, created=time.time(), **columns, **place))


def get(run_id: str) -> RunRow | None:
    with db.read() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    return _read(row) if row else None


def recent(limit: int = 50, kind: str = "train") -> list[RunRow]:
    """The newest runs of a kind, newest first."""
    with db.read() as connection:
        query = select(runs).where(runs.c.kind == kind).order_by(runs.c.created.desc()).limit(limit)
        return [_read(row) for row in connection.execute(query)]


def live() -> list[RunRow]:
    """Runs that are queued or running, in the order in which they were asked for: the head of the queue first."""
    with db.read() as connection:
        query = select(runs).where(runs.c.state.in_(LIVE)).order_by(runs.c.created, runs.c.id)
        return [_read(row) for row in connection.execute(query)]


def finished() -> list[RunRow]:
    """Runs that have ended and still have their artifacts, oldest first."""
    query = select(runs).where(runs.c.state.not_in(LIVE), runs.c.artifacts_removed.is_(None)).order_by(runs.c.ended)
    with db.read() as connection:
        return [_read(row) for row in connection.execute(query)]


def waiting(connection: Connection) -> int:
    """Runs in the queue."""
    return connection.execute(select(func.count()).where(runs.c.state == QUEUED)).scalar_one()


def position(row: RunRow) -> int:
    """Place in the queue, 1 being the next to start; 0 for a run that does not wait."""
    if row.state != QUEUED:
        return 0
    ahead = (runs.c.created < row.created) | ((runs.c.created == row.created) & (runs.c.id < row.id))
    with db.read() as connection:
        return connection.execute(select(func.count()).where(runs.c.state == QUEUED, ahead)).scalar_one() + 1


def find(connection: Connection, spec_hash: str, device: str, dtype: str, states: Iterable[str]) -> list[RunRow]:
    """Runs of one spec on one device and dtype, newest first."""
    same = (runs.c.spec_hash == spec_hash) & (runs.c.device == device) & (runs.c.dtype == dtype)
    query = select(runs).where(same, runs.c.state.in_(tuple(states))).order_by(runs.c.created.desc())
    return [_read(row) for row in connection.execute(query)]


def claim(run_id: str, pid: int, token: str) -> bool:
    """Hand a queued run to a worker. False if it is not queued any more."""
    change = {"state": RUNNING, "started": time.time(), "attempts": runs.c.attempts + 1, "worker_pid": pid, "worker_token": token}
    return _change(change, runs.c.id == run_id, runs.c.state == QUEUED)


def requeue(run_id: str) -> bool:
    """Back to its old place in the queue: its worker died before it began."""
    change = {"state": QUEUED, "started": None, "worker_pid": None, "worker_token": None}
    return _change(change, runs.c.id == run_id, runs.c.state == RUNNING)


def ask_cancel(run_id: str) -> bool:
    """Note that somebody wants a running run to stop. False if it does not run."""
    return _change({"cancel_asked": time.time()}, runs.c.id == run_id, runs.c.state == RUNNING, runs.c.cancel_asked.is_(None))


def end(run_id: str, ended: Ended, *, only_from: Iterable[str] = LIVE, folder_bytes: int = 0) -> bool:
    """Write how a run ended, row and last event in one transaction. False, and nothing written, if it had ended before."""
    change = {"state": ended.status, "ended": time.time(), "sentence": ended.sentence, "remedy": ended.remedy, "bytes": folder_bytes}
    change["result"] = None if ended.result is None else json.dumps(ended.result)
    with db.write() as connection:
        changed = connection.execute(update(runs).where(runs.c.id == run_id, runs.c.state.in_(tuple(only_from))).values(change)).rowcount
        if changed:
            events.insert_next(connection, run_id, ended, ended.status)
    return bool(changed)


def pin(run_id: str, pinned: bool) -> bool:
    """Keep a run's artifacts whatever room they take, or stop doing so. False if there is no such run."""
    return _change({"pinned": pinned}, runs.c.id == run_id)


def note_removed(run_id: str) -> bool:
    """Note that a run's artifacts go, before they do. False if it was pinned meanwhile, and they must stay."""
    return _change({"artifacts_removed": time.time(), "bytes": 0}, runs.c.id == run_id, runs.c.pinned.is_(False))


def _change(values: dict[str, Any], *where: Any) -> bool:
    with db.write() as connection:
        return bool(connection.execute(update(runs).where(*where).values(values)).rowcount)


def _read(row: Row[Any]) -> RunRow:
    values = dict(row._mapping)
    values["result"] = None if values["result"] is None else json.loads(values["result"])
    return RunRow(**values)
