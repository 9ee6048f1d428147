"""A kill -9 after each click of a session of thirty questions loses no answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from hands import LEARNER

from quizzes.sitting import is_try
from quizzes.stored import StoreLog

ROOT = Path(__file__).parents[2]
CLICKS = 30


def test_kill_after_each_click_loses_no_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)
    command = [sys.executable, str(Path(__file__).with_name("practising.py")), str(CLICKS)]
    environment = os.environ | {"DELTALAB_HOME": str(tmp_path), "PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    reported = []
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as nursery:
        for line in nursery.stdout:
            process, identity = line.split()
            os.kill(int(process), signal.SIGKILL)
            reported.append(identity)
    assert nursery.returncode == 0 and len(reported) == CLICKS
    rows = [row for row in StoreLog().load(LEARNER) if is_try(row)]
    assert sorted(row.id for row in rows) == sorted(reported)
    assert all(row.chosen["right"] is True for row in rows)
