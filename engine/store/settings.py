"""What a learner chose or reached, by key: small JSON values such as a theme or the last lesson read."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import delete, insert, select

from engine.store import db
from engine.store.tables import settings


def put(learner: str, key: str, value: Any) -> None:
    """Set a key to any JSON value."""
    with db.write(durable=True) as connection:
        connection.execute(delete(settings).where(settings.c.learner == learner, settings.c.key == key))
        connection.execute(insert(settings).values(learner=learner, key=key, value=json.dumps(value), at=time.time()))


def get(learner: str, key: str, default: Any = None) -> Any:
    return everything(learner).get(key, default)


def everything(learner: str) -> dict[str, Any]:
    """All of a learner's settings."""
    with db.read() as connection:
        rows = connection.execute(select(settings.c.key, settings.c.value).where(settings.c.learner == learner)).all()
    return {key: json.loads(value) for key, value in rows}
