"""Room on the disk: what runs leave is kept under a cap, the oldest going first."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from engine.contracts import RunError
from engine.home import data_home
from engine.store import runs

DEFAULT_CAP_GB = 5.0


def cap_bytes() -> int:
    """What all runs together may leave in the data folder: DELTALAB_CAP_GB, in units of 10^9 bytes."""
    given = os.environ.get("DELTALAB_CAP_GB", "")
    try:
        gigabytes = float(given) if given else DEFAULT_CAP_GB
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < 1e9:
        raise RunError(f"DELTALAB_CAP_GB={given!r} must be a number of gigabytes, 0 or more.", "Use for example 5.")
    return int(gigabytes * 1e9)


def folder_bytes(folder: Path) -> int:
    """Sizes of all files under a folder; 0 where there is none."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a run renames and removes its own files meanwhile
            total += path.lstat().st_size if path.is_file() else 0
    return total


def trim() -> list[str]:
    """Remove artifacts of ended runs, oldest first, until what runs left is under the cap. Returns the ids of those runs.

    Pinned runs, live runs and the run that ended last are never touched. A run's row says that its artifacts went
    before they go, so that no page offers what is half there.
    """
    folder, gone = data_home() / "runs", []
    sizes = {path.name: folder_bytes(path) for path in folder.iterdir()} if folder.is_dir() else {}
    total, cap = sum(sizes.values()), cap_bytes()
    for row in runs.finished()[:-1]:
        if total <= cap:
            break
        if row.pinned or not sizes.get(row.id) or not runs.note_removed(row.id):
            continue
        shutil.rmtree(folder / row.id, ignore_errors=True)
        total -= sizes[row.id]
        gone.append(row.id)
    return gone
