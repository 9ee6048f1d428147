"""What must outlive a process: runs, their events, answers, predictions and a learner's settings.

One file a noun, plain functions over one SQLite database in WAL mode (`db`). No torch, and quick to import, since
every page reads here on each poll.
"""

from engine.store import answers, db, events, predictions, progress, record, runs, settings

__all__ = ["answers", "db", "events", "predictions", "progress", "record", "runs", "settings"]
