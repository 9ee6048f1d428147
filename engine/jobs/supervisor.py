"""The supervisor: owns the queue, hands runs to workers, notices deaths, writes endings. Small, and no torch.

    python -m engine.jobs.supervisor        one a database; a second one leaves at once

It remembers nothing that the store does not hold, so one that is killed is replaced by the next: running workers are
found again by pid and start token, queued runs by their rows. SIGTERM ends it cleanly; running runs go on.
With nothing to do and no sign of life from a page it leaves after half an hour, and takes the standing worker's memory
with it; the next page or submit starts another.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from engine.jobs import endings, presence, process, space
from engine.jobs.local import artifact_dir
from engine.store import events, runs

AT_ONCE = 1
"""Runs at a time. Two on one machine would each take twice as long."""
TICK_SECONDS = 0.1
IDLE_LOOK_SECONDS = 1
CANCEL_GRACE_SECONDS = 0.75
"""From the request to stop to the kill; with two ticks and the write it stays under a second."""
IDLE_SECONDS = 1800
RESPAWN_SECONDS = 5
"""From the death of a worker that stood by to the next one, so that a fault at its start does not spin."""


@dataclass
class Supervisor:
    """What must be known from one tick to the next: only things that die with this process anyway."""

    place: Path = field(default_factory=presence.place)
    standing: subprocess.Popen[bytes] | None = None
    stand_by_after: float = 0.0
    """Monotonic time before which no new worker stands by."""
    children: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    """Workers that were given a run, by pid."""
    asked: set[str] = field(default_factory=set)
    """Runs whose worker was asked to stop."""
    memory_kills: int = field(default_factory=process.out_of_memory_kills)
    running: set[str] | None = None
    """Runs that were running at the last tick; None before the first."""
    live: int = 0
    """Runs queued or running at the last look."""
    last_sign: float = 0.0
    last_look: float = 0.0
    complaint: str = ""
    idle: bool = False
    """Nothing to do, and no sign of life for long."""
    stopped: bool = False
    """Told to leave."""


def main() -> int:
    held = presence.take_place()
    if held is None:
        return 0
    me = Supervisor()
    signal.signal(signal.SIGTERM, lambda *_: setattr(me, "stopped", True))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while not (me.idle or me.stopped):
        try:
            if worth_a_look(me):
                tick(me)
        except Exception as error:  # a full disk, a busy database: say so once, and try again, since runs depend on it
            complain(me, error)
        time.sleep(TICK_SECONDS)
    dismiss(me)
    os.close(held)
    if me.idle and runs.live():
        presence.ensure_supervisor()  # somebody asked for a run and still saw this one at its place
    return 0


def worth_a_look(me: Supervisor) -> bool:
    """With nothing to do, the database is left alone until somebody who has changed it gives a sign, or a second is over."""
    try:
        sign, now = me.place.stat().st_mtime, time.monotonic()
    except FileNotFoundError:
        me.stopped = True  # the data folder was removed under us: nothing is left to look after
        return False
    if not me.live and sign == me.last_sign and now < me.last_look + IDLE_LOOK_SECONDS:
        return False
    me.last_sign, me.last_look = sign, now
    return True


def tick(me: Supervisor) -> None:
    """One look at everything."""
    live = runs.live()
    me.live = len(live)
    running = [row for row in live if row.state == runs.RUNNING]
    for row in running:
        look_after(me, row)
    reap(me)
    queued = [row for row in live if row.state == runs.QUEUED]
    if queued and len(running) < AT_ONCE:
        start(me, queued[0])
    elif queued or not running:
        stand_by(me, gently=bool(running))
    me.idle = not live and time.time() - me.last_sign > IDLE_SECONDS
    if me.running is None or me.running - {row.id for row in running}:
        space.trim()
    me.running = {row.id for row in running}


def look_after(me: Supervisor, row: runs.RunRow) -> None:
    """A running run: is its worker alive, and was it asked to stop?"""
    if not process.is_alive(row.worker_pid, row.worker_token):
        bury(me, row)
    elif row.cancel_asked is not None:
        if row.id not in me.asked:
            me.asked.add(row.id)
            process.send(row.worker_pid, row.worker_token, signal.SIGTERM)
        if time.time() - row.cancel_asked > CANCEL_GRACE_SECONDS:
            folder = artifact_dir(row.id)
            process.send(row.worker_pid, row.worker_token, signal.SIGKILL, group=True)
            runs.end(row.id, endings.cancelled(events.last_step(row.id), folder), folder_bytes=space.folder_bytes(folder))


def bury(me: Supervisor, row: runs.RunRow) -> None:
    """The worker of a running run has died. Written as the run's ending, unless the worker wrote one just before."""
    child = me.children.get(row.worker_pid or 0)
    status = child.wait() if child else None
    if status is None and row.attempts < 2 and events.last_number(row.id) == 0:
        runs.requeue(row.id)  # it went down with an earlier supervisor before it began: nothing is lost by beginning again
        return
    kills = process.out_of_memory_kills()
    step, folder = events.last_step(row.id), artifact_dir(row.id)
    if row.cancel_asked is not None:
        ended = endings.cancelled(step, folder)
    else:
        ended = endings.died(status, step, folder, memory=kills > me.memory_kills)
    me.memory_kills = kills
    runs.end(row.id, ended, folder_bytes=space.folder_bytes(folder))


def reap(me: Supervisor) -> None:
    """Let go of workers that have ended."""
    for pid in [pid for pid, child in me.children.items() if child.poll() is not None]:
        del me.children[pid]
    if me.standing and me.standing.poll() is not None:
        me.standing = None
        me.stand_by_after = time.monotonic() + RESPAWN_SECONDS


def start(me: Supervisor, row: runs.RunRow) -> None:
    """Hand the head of the queue to the standing worker, or to a new one."""
    stand_by(me, now=True)
    worker = me.standing
    me.standing = None
    me.children[worker.pid] = worker
    if runs.claim(row.id, worker.pid, process.start_token(worker.pid) or ""):
        with contextlib.suppress(BrokenPipeError):  # it died while it stood by: noticed, and told, like any other death
            worker.stdin.write(json.dumps({"run": row.id}).encode() + b"\n")
    worker.stdin.close()  # without a run it leaves


def stand_by(me: Supervisor, *, now: bool = False, gently: bool = False) -> None:
    """Have one worker import the libraries ahead of the next run. While a run is in progress only when another waits,
    and gently: the run needs the CPU."""
    if me.standing and me.standing.poll() is None:
        return
    if now or time.monotonic() >= me.stand_by_after:
        how = ["--gently"] if gently else []
        me.standing = process.start_module("engine.jobs.worker", *how, log=presence.log_file("worker.log"), stdin=subprocess.PIPE)


def complain(me: Supervisor, error: Exception) -> None:
    """A fault of this process, into its log; once, not ten times a second."""
    if me.complaint != str(error):
        me.complaint = str(error)
        print(time.strftime("%Y-%m-%d %H:%M:%S"), "".join(traceback.format_exception(error)), file=sys.stderr, flush=True)


def dismiss(me: Supervisor) -> None:
    """Send the standing worker home. One that has a run goes on with it."""
    if me.standing:
        me.standing.stdin.close()
        me.standing.wait(5)


if __name__ == "__main__":
    sys.exit(main())
