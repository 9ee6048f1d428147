"""Traces of the calculator are runs of kind "trace": the same queue, workers and store as training, with a question in place of a spec."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from engine.contracts import Phase, RunError
from engine.jobs import local
from engine.planner.options import Options
from engine.store import db, runs
from engine.store import events as event_log

KIND = "trace"
_NO_MATTER = ("gpu", "price", "tokens", "examples", "tokens_per_example", "packing", "epochs")
"""What changes nothing about a trace."""


class Question(NamedTuple):
    """What the store keeps of a question, in the shape that it keeps of a spec."""

    values: dict[str, Any]
    method: str
    model: str
    task: str = KIND

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        return json.dumps(self.values, sort_keys=True)


class TraceState(NamedTuple):
    """Where the trace of a question stands: state is "none", "running", "done" or "failed"."""

    state: str
    phase: str = ""
    result: dict[str, Any] | None = None
    sentence: str = ""


def start(options: Options) -> TraceState:
    """Put the trace of a question into the queue, unless it is there or done. A full queue is a sentence."""
    if look(options).state not in ("running", "done"):
        question = _question(options)
        try:
            with db.write() as connection:
                local.need_room(runs.waiting(connection))
                runs.add(connection, local.new_id(), question, device="cpu", dtype="meta", keep_model=False, kind=KIND)
            local.ensure_supervisor()
        except RunError as error:
            return TraceState("failed", sentence=f"{error.sentence} {error.remedy}")
    return look(options)


def look(options: Options) -> TraceState:
    """Where the newest trace of a question stands. Reads the store and nothing else."""
    with db.read() as connection:
        found = runs.find(connection, _question(options).hash, "cpu", "meta", (*runs.LIVE, runs.DONE, runs.FAILED, runs.CANCELLED))
    if not found:
        return TraceState("none")
    row = found[0]
    if row.state == runs.QUEUED:
        return TraceState("running", f"waiting at place {runs.position(row)} of the queue")
    if row.state == runs.RUNNING:
        said = [event.detail for _, event in event_log.after(row.id, 0) if isinstance(event, Phase)]
        return TraceState("running", said[-1] if said else "starting")
    if row.state == runs.DONE:
        return TraceState("done", result=row.result)
    return TraceState("failed", sentence=f"{row.sentence} {row.remedy}".strip())


def _question(options: Options) -> Question:
    values = {name: value for name, value in options.as_dict().items() if name not in _NO_MATTER}
    return Question(values, options.method, (options.model or "a config.json")[:200])
