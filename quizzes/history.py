"""A learner's whole history as one JSON file, out and in again; importing twice changes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from engine.contracts import SpecError
from quizzes.answers import CONFIDENCES, Answer

FORMAT = "delta-lab-answers"
VERSION = 1
MAX_BYTES = 100_000_000
_MAX_PROBLEMS = 20
_MAX_TEXT = 64
_TEXTS = ("id", "question", "page", "day", "at")


def export_history(answers: Sequence[Answer]) -> str:
    """All rows, undone ones and undoings included, without the learner's id: whoever imports becomes their owner."""
    rows = [{**answer._asdict(), "chosen": dict(answer.chosen), "at": answer.at.isoformat()} for answer in answers]
    for row in rows:
        del row["learner"]
    return json.dumps({"format": FORMAT, "version": VERSION, "answers": rows}, ensure_ascii=False, indent=1)


def import_history(text: str | bytes, learner: str, known: Sequence[Answer]) -> list[Answer]:
    """The rows of a file that `known` does not hold yet, now owned by `learner`; the caller saves them.

    Raises:
        SpecError: the file is no history, or rows of it are faulty; then nothing is to be imported.
    """
    have = {answer.id for answer in known}
    fresh: dict[str, Answer] = {}
    problems: list[str] = []
    for place, row in enumerate(_rows(text), start=1):
        try:
            answer = _answer(row, learner)
        except (TypeError, ValueError) as error:
            problems.append(f"answer {place}: {error}")
            continue
        if answer.id not in have:
            fresh.setdefault(answer.id, answer)
    if problems:
        raise SpecError(*problems[:_MAX_PROBLEMS])
    return list(fresh.values())


def _rows(text: str | bytes) -> list[Any]:
    if len(text) > MAX_BYTES:
        raise SpecError(f"the file is larger than {MAX_BYTES:,} bytes, which no history of this program is")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"the file is no JSON ({str(error)[:80]}); export a history on the practice page") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SpecError(f'the file is no history; one has "format": "{FORMAT}"')
    if not isinstance(data.get("version"), int) or data["version"] > VERSION:
        raise SpecError(f"the history has version {str(data.get('version'))[:20]}, and this program knows {VERSION}; update it")
    if not isinstance(data.get("answers"), list):
        raise SpecError('the history has no list "answers"; export it again')
    return list(data["answers"])


def _answer(row: Any, learner: str) -> Answer:
    """Raises ValueError naming what is wrong."""
    if not isinstance(row, dict):
        raise ValueError(f"must be an object, not {type(row).__name__}")
    for name in _TEXTS:
        if not isinstance(row.get(name), str) or len(row[name]) > _MAX_TEXT or (not row[name] and name != "page"):
            raise ValueError(f"{name}={str(row.get(name))[:40]!r} must be a text of 1 to {_MAX_TEXT} characters")
    at = datetime.fromisoformat(row["at"])
    if at.tzinfo is None:
        raise ValueError(f"at={row['at'][:40]!r} has no time zone")
    date.fromisoformat(row["day"])
    confidence = row.get("confidence")
    if confidence is not None and confidence not in CONFIDENCES:
        raise ValueError(f"confidence={str(confidence)[:40]!r} must be one of {', '.join(CONFIDENCES)} or null")
    if not isinstance(row.get("chosen"), dict):
        raise ValueError("chosen must be an object")
    return Answer(
        id=row["id"],
        learner=learner,
        question=row["question"],
        seed=_whole(row, "seed"),
        chosen=row["chosen"],
        credit=_share(row),
        confidence=confidence,
        hints=_whole(row, "hints"),
        seconds=_seconds(row),
        page=row["page"],
        at=at.astimezone(UTC),
        day=row["day"],
        tries=_whole(row, "tries"),
    )


def _whole(row: dict[str, Any], name: str) -> int:
    value = row.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise ValueError(f"{name}={str(value)[:40]!r} must be a whole number from 0 on")
    return value


def _share(row: dict[str, Any]) -> float:
    value = row.get("credit")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"credit={str(value)[:40]!r} must be 0 to 1")
    return float(value)


def _seconds(row: dict[str, Any]) -> float:
    value = row.get("seconds", 0.0)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError(f"seconds={str(value)[:40]!r} must be a number from 0 on")
    return float(value)
