"""What a click in practice costs at the server, with 100,000 answers in the store."""

from __future__ import annotations

import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from tests.bench.row import Row

ANSWERS, LEARNERS, CLICKS = 100_000, 50, 60
LEARNER = f"{3:032x}"


def measure() -> Iterator[Row]:
    """Rows: median and p95 of a click on the practice page: save it, work out the schedule and the queue, render."""
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, {"DELTALAB_HOME": home}):
        os.environ.pop("DELTALAB_DATABASE_URL", None)
        fill()
        seconds = sorted(clicks())
    yield Row(f"click in practice, {ANSWERS:,} answers stored, median", f"{1000 * statistics.median(seconds):.0f} ms")
    yield Row(
        f"click in practice, {ANSWERS:,} answers stored, p95", f"{1000 * seconds[int(0.95 * len(seconds)) - 1]:.0f} ms", "goal <= 150 ms"
    )


def fill() -> None:
    """Random answers of LEARNERS people, one every four minutes."""
    from sqlalchemy import insert

    from engine.store import db
    from engine.store.tables import answers
    from quizzes import bank

    source, questions, start = random.Random(0), list(bank.questions()), datetime.now(UTC) - timedelta(minutes=4 * ANSWERS)
    rows = []
    for number in range(ANSWERS):
        at, right = start + timedelta(minutes=4 * number), source.random() < 0.7
        chosen = {"picked": ["a"], "right": right, "shows": [] if right else ["lora-rank-memory"]}
        envelope = {"chosen": chosen, "id": f"bench-{number}", "at": at.isoformat(), "day": at.date().isoformat(), "tries": 0}
        given = {"learner": f"{number % LEARNERS:032x}", "question_id": source.choice(questions), "variant_seed": number % 1000}
        rows.append(
            given
            | {"chosen": json.dumps(envelope), "credit": float(right), "confidence": 1, "hints": 0, "seconds": 3.0, "at": at.timestamp()}
        )
    with db.write() as connection:
        for first in range(0, ANSWERS, 5_000):
            connection.execute(insert(answers), rows[first : first + 5_000])


def clicks() -> list[float]:
    """Seconds of each click: the part of the page that a click runs again, without a browser."""
    from streamlit.testing.v1 import AppTest

    test = AppTest.from_function(today, args=(LEARNER,), default_timeout=60).run()
    seconds = []
    for _ in range(CLICKS):
        onward = [b for b in test.button if b.label in ("Next question", "Leave it for today", "A few more")]
        choices = [b for b in test.button if b.key and "-option-" in b.key] or [
            b for b in test.button if b.label.startswith(("Check", "Compare", "Save"))
        ]
        target = (onward or choices)[0]
        began = time.perf_counter()
        target.click().run()
        seconds.append(time.perf_counter() - began)
        if test.exception:
            raise RuntimeError(test.exception[0].value)
    return seconds


def today(learner: str) -> None:
    from lessons.panels.practice_today import today_panel
    from lessons.panels.quiz import answer_log

    today_panel(answer_log(learner), learner)
