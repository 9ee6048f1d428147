"""Processes named so that a later one with the same number is never taken for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import engine

_ROOT = Path(engine.__file__).parents[1]


def start_token(pid: int) -> str | None:
    """When the process with this pid started, in the system's own words; None if there is none, or it is a zombie.

    On Linux: the boot's id and field 22 of /proc/PID/stat (clock ticks since boot), see proc_pid_stat(5).
    """
    if not Path("/proc/self/stat").exists():
        return _start_token_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if state in "ZX" else f"{_boot_id()}:{fields[18]}"


def is_alive(pid: int | None, token: str | None) -> bool:
    """Whether the very process that had this token still runs."""
    return pid is not None and token is not None and start_token(pid) == token


def send(pid: int | None, token: str | None, signal_number: signal.Signals, *, group: bool = False) -> bool:
    """Signal a process, or the group that it leads. False if it has gone, whoever has its number now."""
    if not is_alive(pid, token):
        return False
    try:
        (os.killpg if group else os.kill)(pid, signal_number)
    except ProcessLookupError:
        return False
    return True


def start_module(name: str, *arguments: str, log: Path, stdin: int) -> subprocess.Popen[bytes]:
    """Start `python -m name` in a session of its own, so that no terminal's Ctrl-C and no group's kill reaches it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-m", name, *arguments]
    with log.open("ab") as out:
        return subprocess.Popen(command, stdin=stdin, stdout=out, stderr=out, env=environment, start_new_session=True, bufsize=0)


def out_of_memory_kills() -> int:
    """How often the system has killed for want of memory since it started; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return ""


def _start_token_ps(pid: int) -> str | None:
    told = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return None if not told or told[0].startswith("Z") else "-".join(told[1:])
