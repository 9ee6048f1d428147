"""`make run` serves also where the base model could not be fetched."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import ROOT


def test_the_app_is_served_without_the_base_model(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name, says in {"python": "echo 'error: no network' >&2; exit 1", "streamlit": 'echo "served $*"'}.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / ".runtime").touch()
    made = subprocess.run(
        ["make", "run", f"VENV={tmp_path}", "PORT=8600"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert made.returncode == 0 and "served run app.py --server.port 8600" in made.stdout
    assert "no network" in made.stderr and "with the nano models" in made.stdout
