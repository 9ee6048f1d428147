"""Predictions: what a learner expected of a run before it, and how near that was."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update

from engine.store import db
from engine.store.tables import predictions


class PredictionRow(NamedTuple):
    """One prediction; `outcome`, `score` and `scored_at` are None until a run has scored it."""

    id: int
    learner: str
    page: str
    spec_hash: str | None
    run_id: str | None
    """The run that scored it; until then the one in view when it was made, which does not score it."""
    value: Any
    """What was predicted: any JSON value."""
    at: float
    outcome: Any
    """What the run gave, in the words of `value`."""
    score: float | None
    """0 to 1."""
    scored_at: float | None


def save(learner: str, page: str, value: Any, *, spec_hash: str | None = None, run_id: str | None = None) -> int:
    """Commit a prediction and return its id. It is on the disk when this returns."""
    values = {"learner": learner, "page": page, "value": json.dumps(value), "spec_hash": spec_hash, "run_id": run_id, "at": time.time()}
    with db.write(durable=True) as connection:
        return connection.execute(insert(predictions).values(values)).inserted_primary_key[0]


def score(prediction_id: int, outcome: Any, score: float, *, run_id: str | None = None) -> bool:
    """Score a prediction once. False if it was scored before: the first run that answers it counts."""
    values: dict[str, Any] = {"outcome": json.dumps(outcome), "score": score, "scored_at": time.time()}
    if run_id is not None:
        values["run_id"] = run_id
    with db.write(durable=True) as connection:
        open_one = (predictions.c.id == prediction_id) & predictions.c.scored_at.is_(None)
        return bool(connection.execute(update(predictions).where(open_one).values(values)).rowcount)


def history(learner: str, *, page: str | None = None, run_id: str | None = None) -> list[PredictionRow]:
    """A learner's predictions, oldest first."""
    query = select(predictions).where(predictions.c.learner == learner).order_by(predictions.c.at, predictions.c.id)
    if page is not None:
        query = query.where(predictions.c.page == page)
    if run_id is not None:
        query = query.where(predictions.c.run_id == run_id)
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [PredictionRow(**{**row._mapping, "value": json.loads(row.value), "outcome": _outcome(row.outcome)}) for row in rows]


def _outcome(text: str | None) -> Any:
    return None if text is None else json.loads(text)
