"""What to say of a run whose worker could not say it itself."""

from __future__ import annotations

import errno
import signal
from pathlib import Path

from engine.contracts import Ended

LOG = "worker.log"
"""What a run's libraries print, in its folder."""


def cancelled(step: int, folder: Path) -> Ended:
    """It was asked to stop, by hand. `folder` holds what it left, beside its log."""
    kept = folder.is_dir() and any(path.name != LOG for path in folder.iterdir())
    when = f"after step {step}" if step else "before the first step"
    return Ended("cancelled", f"Cancelled {when}{'; its last snapshot is kept' if kept else ''}.", step=step)


def died(status: int | None, step: int, folder: Path, *, memory: bool) -> Ended:
    """Its worker is gone without a word.

    Args:
        status: Exit status, negative for a signal; None where it is not known, since the worker had another parent.
        step: Last step that it reported.
        folder: Where it left its log.
        memory: The system has killed a process for want of memory meanwhile.
    """
    where = f"at step {step}" if step else "before the first step"
    if memory and status in (None, -signal.SIGKILL):
        return Ended("failed", f"The machine ran out of memory {where}, and the system ended the run.", _LESS_MEMORY.capitalize(), step)
    if status == -signal.SIGKILL:
        return Ended(
            "failed",
            f"The run was killed from outside (signal 9) {where}.",
            f"If nobody did so, memory may have run out: {_LESS_MEMORY}",
            step,
        )
    if status == errno.ENOSPC:
        return Ended("failed", f"The disk became full {where}.", "Free some space, then run again; what was saved before is safe.", step)
    if status is not None and status < 0:
        return Ended(
            "failed", f"The run crashed {where} ({signal.Signals(-status).name}).", f"Run it again; its log is {folder / LOG}.", step
        )
    return Ended("failed", f"The run's process ended {where} without a word.", f"Run it again; its log is {folder / LOG}.", step)


_LESS_MEMORY = "lower micro_batch, take a smaller model, or close other programs."
