"""Everything that is kept of one learner, to take along; and its removal."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import delete, select

from engine.store import db
from engine.store.tables import answers, predictions, settings

FORMAT = "delta-lab-record"
VERSION = 1
_JSON = ("value", "outcome", "chosen")


def everything(learner: str) -> dict[str, Any]:
    """All rows of a learner as plain values, without the learner's id. Times are seconds since 1970, UTC."""
    found: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    with db.read() as connection:
        for table in (settings, predictions, answers):
            rows = connection.execute(select(table).where(table.c.learner == learner).order_by(table.c.at)).all()
            found[table.name] = [_plain(dict(row._mapping)) for row in rows]
    return found


def erase(learner: str) -> None:
    """Remove it all: progress, settings, predictions, answers. Runs belong to the machine and stay."""
    with db.write(durable=True) as connection:
        for table in (answers, predictions, settings):
            connection.execute(delete(table).where(table.c.learner == learner))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    del row["learner"]
    return {name: json.loads(value) if name in _JSON and value is not None else value for name, value in row.items()}
