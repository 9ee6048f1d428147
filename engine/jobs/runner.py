"""What every runner offers. The local one (`engine.jobs.local`) queues on this machine; one for a cluster calls the
same `engine.jobs.worker.run_one` there and keeps the same four promises."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from engine.contracts import Event, RunSpec


class RunStatus(NamedTuple):
    """Where a run stands. Times are seconds since 1970, UTC; None where it has not happened."""

    run_id: str
    state: str
    """"queued", "running", "done", "cancelled" or "failed"."""
    position: int
    """Place in the queue, 1 being the next to start; 0 for a run that does not wait."""
    created: float
    started: float | None
    ended: float | None
    cancelling: bool
    """Somebody asked it to stop, and it has not yet."""
    sentence: str
    """What there is to say of its state, for a person."""
    remedy: str
    """What to do next; empty where nothing is wrong."""
    spec: RunSpec
    device: str
    dtype: str
    keep_model: bool
    pinned: bool
    result: dict[str, Any] | None
    """What `result.json` holds."""
    bytes: int
    """What its artifacts take on the disk, once it has ended."""
    artifacts_removed: float | None
    """When its artifacts were removed to make room; its events and its result stay."""

    @property
    def live(self) -> bool:
        """More events may come."""
        return self.state in ("queued", "running")


class Runner(Protocol):
    """The contract. Ids are opaque; an unknown one raises RunError."""

    def submit(self, spec: RunSpec, keep_model: bool = False, anew: bool = False) -> str: ...

    def cancel(self, run_id: str) -> None: ...

    def status(self, run_id: str) -> RunStatus: ...

    def events(self, run_id: str, after: int = 0) -> list[tuple[int, Event]]: ...
