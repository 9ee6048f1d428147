"""A trace as a worker runs it: a generator of events, as training is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from engine.contracts import Ended, Event, Phase
from engine.trace.cli import trace_json


def run(question: dict[str, Any], *, out: Path | None = None, keep_model: bool = False) -> Iterator[Event]:
    """Trace a question; its last event holds the result. Raises SpecError where the combination cannot be traced."""
    said: SimpleQueue[str | None] = SimpleQueue()
    with ThreadPoolExecutor(1) as pool:  # the trace calls back, and a generator can only give: a thread turns one into the other
        found = pool.submit(trace_json, question, said.put)
        found.add_done_callback(lambda _: said.put(None))
        while (phase := said.get()) is not None:
            yield Phase("tracing", phase)
    yield Ended("done", "Traced.", result=found.result())
