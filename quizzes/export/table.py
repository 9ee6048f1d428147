"""A learner's answers as CSV, one row an answer, in the order of time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from quizzes.answers import Answer, in_force
from quizzes.schema import Question
from quizzes.sitting import is_try

HEADER = (
    "at",
    "day",
    "question",
    "lesson",
    "kind",
    "numbers",
    "chosen",
    "right",
    "credit",
    "confidence",
    "hints",
    "tries",
    "seconds",
    "page",
    "id",
)


def answers_csv(answers: Sequence[Answer], questions: Mapping[str, Question]) -> str:
    """UTF-8 text with a header. No cell starts with = + - or @, so no spreadsheet takes a cell for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for answer in filter(is_try, in_force(answers)):
        question = questions.get(answer.question)
        writer.writerow(
            (
                answer.at.isoformat(),
                answer.day,
                answer.question,
                question.lesson if question else "",
                question.kind if question else "",
                answer.seed,
                json.dumps(dict(answer.chosen), ensure_ascii=False, sort_keys=True),
                answer.chosen.get("right") is True,
                answer.credit,
                answer.confidence or "",
                answer.hints,
                answer.tries,
                answer.seconds,
                answer.page,
                answer.id,
            )
        )
    return out.getvalue()
