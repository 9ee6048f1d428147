"""The app with its clock moved on by as many days as a file says, so that a test can live through several."""

from __future__ import annotations

import os
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path

from quizzes import clock

DAYS = Path(os.environ["DELTALAB_TEST_DAYS"])


def moved() -> datetime:
    return datetime.now(UTC) + timedelta(days=float(DAYS.read_text("utf-8")))


clock.now = moved
runpy.run_path(str(Path(__file__).parents[2] / "app.py"), run_name="__main__")
