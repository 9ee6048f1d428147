"""Answers in the app's own store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from engine.store import answers as table
from quizzes.answers import CONFIDENCES, Answer


class StoreLog:
    """`AnswerLog` over `engine.store.answers`. What the table has no column for (own id, time, day, tries) travels inside `chosen`."""

    def save(self, answer: Answer) -> None:
        """Write one row; it is on the disk when this returns. Raises RunError in plain words where the store refuses."""
        envelope = {"chosen": dict(answer.chosen), "id": answer.id, "at": answer.at.isoformat(), "day": answer.day, "tries": answer.tries}
        table.save(
            answer.learner,
            answer.question,
            envelope,
            answer.credit,
            variant_seed=answer.seed,
            confidence=CONFIDENCES.index(answer.confidence) if answer.confidence in CONFIDENCES else None,
            hints=answer.hints,
            seconds=answer.seconds,
            page=answer.page,
        )

    def load(self, learner: str, question: str | None = None) -> Sequence[Answer]:
        """A learner's rows; rows that another program wrote without an envelope are left out."""
        rows = table.history(learner, question_id=question, undone=True)
        return [_answer(row) for row in rows if isinstance(row.chosen, dict) and isinstance(row.chosen.get("chosen"), dict)]


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
