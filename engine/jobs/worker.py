"""A worker: one process, one run. Stands by with the libraries imported, is handed a run, computes it, is gone.

    python -m engine.jobs.worker        reads one line from standard input: {"run": id}; its end means that no run will come

It writes its events to the store itself, so it needs neither the supervisor nor the web process to go on.
SIGTERM asks it to stop: the recipe's generator is closed after its next event, or, where none comes in time, wherever
it is; what it has is saved either way. Whoever asked kills the whole group when that takes too long.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.contracts import Ended, Event, Phase, RunError, RunSpec, Step, explain
from engine.jobs.endings import LOG, cancelled
from engine.jobs.local import artifact_dir
from engine.jobs.space import folder_bytes
from engine.store import events, runs

RECIPES = {"train": "engine.training:train", "trace": "engine.trace.job:run"}
"""Kind of run -> the generator function that computes it from a RunSpec, or from a trace's question. DELTALAB_TRAIN puts another in the place of "train": a test's own."""
PATIENCE_SECONDS = 0.4
"""From being asked to stop to stopping between two events no longer."""


class Stop:
    """Whether this worker was asked to stop. Its own two signals call it, in the main thread."""

    def __init__(self) -> None:
        self.asked = False
        self.computing = False

    def ask(self, _signal: int, _frame: object) -> None:
        self.asked = True
        signal.setitimer(signal.ITIMER_REAL, PATIENCE_SECONDS)

    def insist(self, _signal: int, _frame: object) -> None:
        if self.computing:
            self.computing = False
            raise GeneratorExit  # in the middle of the recipe, which saves what it has as if it had been closed


def main() -> None:
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nobody's run yet
    warming = threading.Thread(target=_warm, args=("--gently" in sys.argv,), daemon=True)
    warming.start()
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    _set_niceness(warming.native_id, 0)
    signal.signal(signal.SIGTERM, stop.ask)
    signal.signal(signal.SIGALRM, stop.insist)
    code = run_one(json.loads(line)["run"], stop, before=warming.join)
    sys.stdout.flush()
    os._exit(code)  # all is in the store; threads of libraries may take their time


def run_one(run_id: str, stop: Stop, before: Callable[[], None] = lambda: None) -> int:
    """Compute a run that was claimed for this process, event by event into the store. Returns the exit status."""
    row = runs.get(run_id)
    if row is None or row.state != runs.RUNNING or row.worker_pid != os.getpid():
        return 0  # the run has ended, or was given to another worker, before this one heard of it
    folder = artifact_dir(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    with _log_to(folder / LOG):
        try:
            events.append(run_id, Phase("loading", "the training libraries"))
            before()
            ended = _compute(row, folder, stop)
            runs.end(run_id, ended, folder_bytes=folder_bytes(folder))
        except RunError as error:
            print(error, file=sys.stderr)  # the store cannot be written: the supervisor says so when it can be again
            return errno.ENOSPC if "full" in error.sentence else 1
    return 0


def _compute(row: runs.RunRow, folder: Path, stop: Stop) -> Ended:
    """Iterate the recipe to its end, and say how that was whatever happens."""
    step = 0
    generator: Iterator[Event] = iter(())
    try:
        generator = _recipe(row.kind)(_asked(row), out=folder, keep_model=row.keep_model)
        while not stop.asked:
            stop.computing = True
            event = next(generator)
            stop.computing = False
            if isinstance(event, Ended):
                _exhaust(generator)
                return event
            step = event.step if isinstance(event, Step) else step
            if not events.append(row.id, event):
                break
        _close(generator)
        return cancelled(step, folder)
    except GeneratorExit:
        _close(generator)  # unless it went through the recipe, which has closed itself then
        return cancelled(step, folder)
    except StopIteration:
        return Ended("failed", "The run stopped without saying how it ended.", f"See {folder / LOG}.", step)
    except Exception as error:  # any fault of a recipe becomes a sentence, and its traceback stays in the log
        stop.computing = False
        traceback.print_exc()
        unknown = f"The run stopped on an unexpected error: {type(error).__name__}: {error}"[:500], f"Its log is {folder / LOG}."
        known = explain(error)
        return Ended("failed", *((known.sentence, known.remedy) if known else unknown), step)
    finally:
        stop.computing = False


def _exhaust(generator: Iterator[Event]) -> None:
    """Let a recipe return after its last event: one that is left hanging there would take it for a cancel."""
    with contextlib.suppress(Exception):
        for _ in generator:
            pass


def _close(generator: Any) -> None:
    with contextlib.suppress(Exception):
        generator.close()


def _asked(row: runs.RunRow) -> Any:
    return RunSpec.from_json(row.spec) if row.kind == "train" else json.loads(row.spec)


def _recipe(kind: str) -> Callable[..., Iterator[Event]]:
    path = RECIPES[kind]
    if kind == "train":
        path = os.environ.get("DELTALAB_TRAIN", path)
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _warm(gently: bool) -> None:
    """Import what a run will need. In a thread, so that the main one can hear at once that no run will come."""
    if gently:
        _set_niceness(threading.get_native_id(), 10)
    with contextlib.suppress(Exception):  # the run that is handed over meets the same fault, and can say so
        _recipe("train")


def _set_niceness(thread: int | None, niceness: int) -> None:
    """Of one thread, which only Linux can do. To raise it again takes a privilege; without it the import ends as slowly
    as it began, and the thread that computes was never lowered."""
    if sys.platform == "linux" and thread is not None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, niceness)


@contextlib.contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Standard output and error, of libraries in C too, into the run's own log."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    yield


if __name__ == "__main__":
    main()
