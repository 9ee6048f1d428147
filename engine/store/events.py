"""Events of a run, in order, numbered from 1."""

from __future__ import annotations

import json
import time

from sqlalchemy import Connection, func, insert, literal, select

from engine.contracts import Event, event_from_json, event_to_json
from engine.store import db
from engine.store.tables import events, runs


def append(run_id: str, event: Event) -> bool:
    """Write a running run's next event. False if the run has ended meanwhile: nobody wants more of it."""
    with db.write() as connection:
        return insert_next(connection, run_id, event, "running")


def insert_next(connection: Connection, run_id: str, event: Event, state: str) -> bool:
    """Write an event with the next number, in the caller's transaction. False if the run is not in `state`."""
    number = select(func.coalesce(func.max(events.c.seq), 0) + 1).where(events.c.run_id == run_id).scalar_subquery()
    values = select(runs.c.id, number, literal(time.time()), literal(event_to_json(event))).where(
        runs.c.id == run_id, runs.c.state == state
    )
    return bool(connection.execute(insert(events).from_select(["run_id", "seq", "at", "json"], values)).rowcount)


def after(run_id: str, seq: int = 0) -> list[tuple[int, Event]]:
    """Events with a number above `seq`, in order. Kinds that only a newer version knows are passed over."""
    query = select(events.c.seq, events.c.json).where(events.c.run_id == run_id, events.c.seq > seq).order_by(events.c.seq)
    with db.read() as connection:
        rows = connection.execute(query).all()
    read = []
    for number, line in rows:
        try:
            read.append((number, event_from_json(line)))
        except ValueError:
            continue
    return read


def last_step(run_id: str) -> int:
    """The last optimizer step that the run has told of; 0 if none."""
    query = select(events.c.json).where(events.c.run_id == run_id, events.c.json.like('{"event": "step"%'))
    with db.read() as connection:
        line = connection.execute(query.order_by(events.c.seq.desc()).limit(1)).scalar()
    return json.loads(line)["step"] if line else 0


def last_number(run_id: str) -> int:
    """Number of the run's last event; 0 if it has none."""
    with db.read() as connection:
        return connection.execute(select(func.coalesce(func.max(events.c.seq), 0)).where(events.c.run_id == run_id)).scalar_one()
