"""Answers in the app's own store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from engine.store import answers as table
from engine.store import db
from engine.store.tables import answers
from quizzes.answers import CONFIDENCES, Answer

_ROWS_AT_ONCE = 1_000


class StoreLog:
    """`AnswerLog` over `engine.store.answers`. What the table has no column for (own id, time, day, tries) travels inside `chosen`."""

    def save(self, answer: Answer) -> None:
        """Write one row; it is on the disk when this returns. Raises RunError in plain words where the store refuses."""
        table.save(
            answer.learner,
            answer.question,
            _envelope(answer),
            answer.credit,
            variant_seed=answer.seed,
            confidence=_confidence(answer),
            hints=answer.hints,
            seconds=answer.seconds,
            page=answer.page,
        )

    def save_all(self, given: Sequence[Answer]) -> None:
        """Write many rows in one transaction. Raises RunError where the store refuses; then none is written."""
        rows = [
            {
                "learner": answer.learner,
                "question_id": answer.question,
                "variant_seed": answer.seed,
                "chosen": json.dumps(_envelope(answer)),
                "credit": answer.credit,
                "confidence": _confidence(answer),
                "hints": answer.hints,
                "seconds": answer.seconds,
                "page": answer.page,
                "at": answer.at.timestamp(),
            }
            for answer in given
        ]
        with db.write(durable=True) as connection:
            for first in range(0, len(rows), _ROWS_AT_ONCE):
                connection.execute(insert(answers), rows[first : first + _ROWS_AT_ONCE])

    def load(self, learner: str, question: str | None = None) -> Sequence[Answer]:
        """A learner's rows; rows that another program wrote without an envelope are left out."""
        rows = table.history(learner, question_id=question, undone=True)
        return [_answer(row) for row in rows if isinstance(row.chosen, dict) and isinstance(row.chosen.get("chosen"), dict)]

    def load_all(self) -> list[Answer]:
        """The rows of all learners, for reports about questions."""
        with db.read() as connection:
            learners = connection.execute(select(answers.c.learner).distinct()).scalars().all()
        return [answer for learner in learners for answer in self.load(learner)]


def _envelope(answer: Answer) -> dict[str, Any]:
    return {"chosen": dict(answer.chosen), "id": answer.id, "at": answer.at.isoformat(), "day": answer.day, "tries": answer.tries}


def _confidence(answer: Answer) -> int | None:
    return CONFIDENCES.index(answer.confidence) if answer.confidence in CONFIDENCES else None


def _answer(row: Any) -> Answer:
    envelope = row.chosen
    at = envelope.get("at")
    return Answer(
        id=str(envelope.get("id", row.id)),
        learner=row.learner,
        question=row.question_id,
        seed=row.variant_seed or 0,
        chosen=envelope["chosen"],
        credit=row.credit,
        confidence=CONFIDENCES[row.confidence] if row.confidence in range(len(CONFIDENCES)) else None,
        hints=row.hints,
        seconds=row.seconds or 0.0,
        page=row.page,
        at=datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(row.at, UTC),
        day=str(envelope.get("day", "")),
        tries=int(envelope.get("tries", 0)),
    )
