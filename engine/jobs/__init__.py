"""Runs in processes of their own: asked for here, owned by the supervisor, computed by a worker. No torch.

    submit -> store <- supervisor -> worker -> events in the store -> events(run_id, after)

The web process only writes what is wanted and reads what has happened, so nothing that it does, or that is done to
it, touches a run.
"""

from engine.jobs.local import (
    QUEUE_LIMIT,
    artifact_dir,
    cancel,
    events,
    find_finished,
    pin,
    recent,
    status,
    submit,
)
from engine.jobs.presence import ensure_supervisor, stop_supervisor
from engine.jobs.runner import Runner, RunStatus

__all__ = [
    "QUEUE_LIMIT",
    "RunStatus",
    "Runner",
    "artifact_dir",
    "cancel",
    "ensure_supervisor",
    "events",
    "find_finished",
    "pin",
    "recent",
    "status",
    "stop_supervisor",
    "submit",
]
