"""Traces as processes of their own: the web process starts one, and reads its result from the data folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from engine.home import data_home
from engine.planner.options import Options

_running: dict[str, subprocess.Popen[bytes]] = {}
MOST_AT_ONCE = 1


class TraceState(NamedTuple):
    """state is none, running, done, failed or busy (another trace runs)."""

    state: str
    phase: str = ""
    result: dict[str, Any] | None = None
    sentence: str = ""


def _folder() -> Path:
    folder = data_home() / "traces"
    folder.mkdir(exist_ok=True)
    return folder


def key_of(options: Options) -> str:
    """Equal questions have one trace; card, price and tokens do not matter."""
    kept = {k: v for k, v in options.as_dict().items() if k not in ("gpu", "price", "tokens", "epochs")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def start(options: Options) -> TraceState:
    """Start the trace of a question, unless it is there or one runs already."""
    now = look(options)
    if now.state in ("done", "running"):
        return now
    if sum(process.poll() is None for process in _running.values()) >= MOST_AT_ONCE:
        return TraceState("busy", sentence="another trace is running; it takes under a minute, then press again")
    key = key_of(options)
    base = _folder() / key
    values = {k: v for k, v in options.as_dict().items() if k not in ("gpu", "price", "tokens", "epochs")}
    base.with_suffix(".phase").write_text("starting")
    with base.with_suffix(".json").open("wb") as out, base.with_suffix(".log").open("wb") as err:
        _running[key] = subprocess.Popen(
            [sys.executable, "-m", "engine.trace.cli", "--stdin-jsonl", "--progress", str(base.with_suffix(".phase"))],
            stdin=subprocess.PIPE, stdout=out, stderr=err, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True,
        )  # fmt: skip
    stdin = _running[key].stdin
    if stdin is not None:
        stdin.write(json.dumps(values).encode() + b"\n")
        stdin.close()
    return look(options)


def look(options: Options) -> TraceState:
    """Where the trace of a question stands."""
    key = key_of(options)
    base = _folder() / key
    process = _running.get(key)
    if process is not None and process.poll() is None:
        phase = base.with_suffix(".phase")
        return TraceState("running", phase.read_text() if phase.exists() else "starting")
    if not base.with_suffix(".json").exists():
        return TraceState("none")
    try:
        result = json.loads(base.with_suffix(".json").read_bytes())
    except ValueError:
        return TraceState("failed", sentence="the trace stopped before its end; press again, or run python -m engine trace to see why")
    if "error" in result:
        return TraceState("failed", sentence=str(result["error"]))
    return TraceState("done", result=result)
