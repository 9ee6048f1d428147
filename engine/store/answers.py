"""Answers to quiz questions: a log, one row a click, never rewritten. An answer taken back stays, marked."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update

from engine.store import db
from engine.store.tables import answers


class AnswerRow(NamedTuple):
    """One answer as it was given."""

    id: int
    learner: str
    question_id: str
    variant_seed: int | None
    """Which variant of a generated question was shown; None for a fixed one."""
    chosen: Any
    """What was chosen or typed: any JSON value."""
    credit: float
    """0 to 1."""
    confidence: int | None
    hints: int
    """Hints seen before answering."""
    seconds: float | None
    """From question shown to answer."""
    page: str
    at: float
    undone_at: float | None


def save(
    learner: str,
    question_id: str,
    chosen: Any,
    credit: float,
    *,
    variant_seed: int | None = None,
    confidence: int | None = None,
    hints: int = 0,
    seconds: float | None = None,
    page: str = "",
) -> int:
    """Add an answer and return its id. It is on the disk when this returns."""
    given = {
        "learner": learner,
        "question_id": question_id,
        "chosen": json.dumps(chosen),
        "credit": credit,
        "page": page,
        "at": time.time(),
    }
    how = {"variant_seed": variant_seed, "confidence": confidence, "hints": hints, "seconds": seconds}
    with db.write(durable=True) as connection:
        return connection.execute(insert(answers).values(**given, **how)).inserted_primary_key[0]


def undo(learner: str, answer_id: int) -> bool:
    """Take an answer of this learner back. False if there is none, or it was taken back before."""
    mine = (answers.c.id == answer_id) & (answers.c.learner == learner) & answers.c.undone_at.is_(None)
    with db.write(durable=True) as connection:
        return bool(connection.execute(update(answers).where(mine).values(undone_at=time.time())).rowcount)


def history(learner: str, *, question_id: str | None = None, page: str | None = None, undone: bool = False) -> list[AnswerRow]:
    """A learner's answers, oldest first; those taken back only with `undone=True`."""
    query = select(answers).where(answers.c.learner == learner).order_by(answers.c.at, answers.c.id)
    if question_id is not None:
        query = query.where(answers.c.question_id == question_id)
    if page is not None:
        query = query.where(answers.c.page == page)
    if not undone:
        query = query.where(answers.c.undone_at.is_(None))
    with db.read() as connection:
        return [AnswerRow(**{**row._mapping, "chosen": json.loads(row.chosen)}) for row in connection.execute(query)]
