"""A lesson whose recorded data are gone keeps its theory, its clinic and its quiz, and says what to do in place of a picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lessons.catalog import LESSONS

DRAW = """
import sys
from pathlib import Path
from engine import jobs
import engine.jobs.local
from engine.recorded import runs, scenes, table, weights
missing = len(sys.argv) > 2
if missing:
    runs.FOLDER = scenes.FOLDER = weights.FOLDER = nowhere = Path(sys.argv[2])
    table.rows.__defaults__ = (nowhere / "table.jsonl",)
jobs.ensure_supervisor = engine.jobs.local.ensure_supervisor = lambda: None
from streamlit.testing.v1 import AppTest
page = AppTest.from_string(f"from lessons.{sys.argv[1]} import page; page()", default_timeout=60).run()
assert not page.exception, page.exception
titles = [header.value for header in page.header]
assert len(titles) == 9, titles
shown = " ".join(text.value for text in page.markdown)
assert len(shown.split()) > 500, len(shown.split())
assert missing or "not recorded in this copy" not in shown
assert any(button.key and "option" in button.key for button in page.button) or len(page.radio) > 1
print("whole")
"""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path)
@pytest.mark.parametrize("missing", [True, False], ids=["data gone", "data there"])
def test_a_lesson_without_its_recorded_data(lesson, missing, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(Path(__file__).parent.parent.parent)
    told = subprocess.run(
        [sys.executable, "-c", DRAW, lesson.module, *[str(tmp_path)] * missing], capture_output=True, text=True, check=False
    )
    assert told.stdout.endswith("whole\n"), told.stderr[-2000:]
