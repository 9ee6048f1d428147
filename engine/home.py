"""Where this machine keeps models, runs and answers."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def run_dir(run_id: str) -> Path:
    """Where a run of this machine leaves its artifacts. The id is signs and digits only, so it is never a way out of the folder."""
    if not run_id.isalnum():
        raise ValueError(run_id)
    return data_home() / "runs" / run_id


def data_home() -> Path:
    """The user's data folder, made if it is not there; DELTALAB_HOME overrides the platform's choice."""
    home = Path(os.environ.get("DELTALAB_HOME") or platformdirs.user_data_dir("delta-lab", appauthor=False)).expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home
