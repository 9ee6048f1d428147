"""How far a learner is: which parts of which lesson were done, when first, how many minutes, and where they stopped.

Kept among the settings, one key a fact, so that two tabs that write at once lose nothing: `part/<lesson>/<part>`,
`seconds/<lesson>`, `place/<lesson>`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from engine.store import db
from engine.store.tables import settings


class LessonProgress(NamedTuple):
    """One lesson. Times are seconds since 1970, UTC."""

    parts: dict[str, float]
    """Part -> when it was first done."""
    seconds: float
    """Spent on the page while it was in view and in use."""
    place: str | None
    """The part that was last in view."""
    last: float
    """When anything of it was last written."""


NOTHING = LessonProgress({}, 0.0, None, 0.0)


def mark(learner: str, lesson: str, parts: Iterable[str]) -> None:
    """These parts are done; the first time counts."""
    with db.write(durable=True) as connection:
        for part in parts:
            key = f"part/{lesson}/{part}"
            if _value(connection, learner, key) is None:
                connection.execute(insert(settings).values(learner=learner, key=key, value="true", at=time.time()))


def spend(learner: str, lesson: str, seconds: float, place: str | None) -> None:
    """Add to the time on a lesson, and say which part is in view."""
    with db.write() as connection:
        _put(connection, learner, f"seconds/{lesson}", (_value(connection, learner, f"seconds/{lesson}") or 0.0) + seconds)
        if place:
            _put(connection, learner, f"place/{lesson}", place)


def of(learner: str) -> dict[str, LessonProgress]:
    """Lesson -> how far; lessons that were never opened are not there."""
    with db.read() as connection:
        rows = connection.execute(select(settings.c.key, settings.c.value, settings.c.at).where(settings.c.learner == learner)).all()
    found: dict[str, LessonProgress] = {}
    for key, value, at in rows:
        kind, _, rest = key.partition("/")
        lesson, _, part = rest.partition("/")
        if kind not in ("part", "seconds", "place"):
            continue
        so_far = found.get(lesson, NOTHING)
        changes: dict[str, Any] = {"last": max(so_far.last, at)}
        changes[{"part": "parts"}.get(kind, kind)] = {**so_far.parts, part: at} if kind == "part" else json.loads(value)
        found[lesson] = so_far._replace(**changes)
    return found


def _value(connection: Connection, learner: str, key: str) -> Any:
    mine = (settings.c.learner == learner) & (settings.c.key == key)
    text = connection.execute(select(settings.c.value).where(mine)).scalar()
    return None if text is None else json.loads(text)


def _put(connection: Connection, learner: str, key: str, value: Any) -> None:
    mine = (settings.c.learner == learner) & (settings.c.key == key)
    values = {"value": json.dumps(value), "at": time.time()}
    if not connection.execute(update(settings).where(mine).values(**values)).rowcount:
        connection.execute(insert(settings).values(learner=learner, key=key, **values))
