"""Where this machine keeps models, runs and answers."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_home() -> Path:
    """The user's data folder, made if it is not there; DELTALAB_HOME overrides the platform's choice."""
    home = Path(os.environ.get("DELTALAB_HOME") or platformdirs.user_data_dir("delta-lab", appauthor=False)).expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home
