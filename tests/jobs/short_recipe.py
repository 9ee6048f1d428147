"""Recipes for the tests of jobs: they say what a real one says, and learn nothing. The spec's steps choose how long.

The micro-batch chooses the fault: see FAULTS.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from engine.contracts import Ended, Event, Phase, RunError, RunSpec, Step

STEP_SECONDS = 0.02


def train(spec: RunSpec, *, out: Path | None = None, keep_model: bool = False) -> Iterator[Event]:
    step = 0
    try:
        yield Phase("training")
        for step in range(1, spec.steps + 1):
            time.sleep(STEP_SECONDS)
            if spec.micro_batch == SILENT:
                return
            if spec.micro_batch == DEAF:
                (out / "child").write_text(str(subprocess.Popen(["sleep", "60"]).pid))
            FAULTS.get(spec.micro_batch, _nothing)(step)
            yield Step(step, spec.steps, 1.0 / step, 1e-3, 0.1, 10, 100.0, 0.1 * step, 0.0, 0)
        (out / "adapter.bin").write_bytes(b"x" * 1000 * spec.examples)
        yield Ended("done", "Done.", step=step, result={"steps": step, "keep_model": keep_model, "pid": os.getpid()})
    except GeneratorExit:
        (out / "snapshot").write_text(str(step))
        raise


def child_of(folder: Path) -> str:
    """Pid of the process that a deaf step has started; empty before."""
    path = folder / "child"
    return path.read_text() if path.exists() else ""


def _nothing(step: int) -> None: ...


def _explained(step: int) -> None:
    raise RunError("The loss became NaN at step 1.", "Lower the learning rate.")


def _unexplained(step: int) -> None:
    raise ZeroDivisionError("a fault that nobody foresaw")


def _disk_full(step: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _no_memory(step: int) -> None:
    raise RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."
    )


def _long_python_step(step: int) -> None:
    time.sleep(60)


def _deaf(step: int) -> None:
    """Like one long call into a library: nothing is heard until it returns, and it does not."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGALRM])
    time.sleep(60)


def _killed(step: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _crash(step: int) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


EXPLAINED, UNEXPLAINED, DISK_FULL, LONG_STEP, DEAF, KILLED, CRASH, SILENT, NO_MEMORY = range(2, 11)
FAULTS = {
    EXPLAINED: _explained,
    UNEXPLAINED: _unexplained,
    DISK_FULL: _disk_full,
    LONG_STEP: _long_python_step,
    DEAF: _deaf,
    KILLED: _killed,
    CRASH: _crash,
    NO_MEMORY: _no_memory,
}
