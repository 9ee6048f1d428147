from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.jobs import endings, presence, process
from engine.store.lock import locked, try_lock


def test_a_process_is_known_by_its_start_and_not_by_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    token = process.start_token(child.pid)
    assert token == process.start_token(child.pid) != process.start_token(os.getpid())
    assert process.is_alive(child.pid, token)
    assert not process.is_alive(child.pid, process.start_token(os.getpid())), "a later process with the same number is not it"
    assert not process.send(child.pid, "another", signal.SIGKILL), "and it is not killed in its place"
    assert process.send(child.pid, token, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process.is_alive(child.pid, token), "a zombie is dead"
    child.communicate()
    assert process.start_token(child.pid) is None
    assert not process.send(child.pid, token, signal.SIGKILL)


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields(tmp_path: Path) -> None:
    odd = tmp_path / ") R 1 ("
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([str(odd), "60"]) as child:
        token = process.start_token(child.pid)
        child.kill()
    assert token.rpartition(":")[2].isdigit()
    assert int(token.rpartition(":")[2]) > 100


def test_ps_tells_the_same_where_there_is_no_proc() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert process._start_token_ps(child.pid)
        child.kill()
    assert process._start_token_ps(child.pid) is None


def test_a_lock_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "place"
    holding = (
        f"from pathlib import Path; from engine.store.lock import try_lock; try_lock(Path({str(path)!r})); print(1, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert try_lock(path) is None
        holder.kill()
    with locked(path):
        assert try_lock(path) is None
    os.close(try_lock(path))


def test_looking_for_a_supervisor_is_quick_and_counts_as_a_sign_of_life(home: Path) -> None:
    held = presence.take_place(0)
    os.utime(presence.place(), (0, 0))
    started = time.perf_counter()
    for _ in range(100):
        presence.ensure_supervisor()
    seconds = time.perf_counter() - started
    sign = presence.place().stat().st_mtime
    os.close(held)
    assert seconds / 100 < 0.01
    assert sign == pytest.approx(time.time(), abs=60)
    assert presence.place() not in presence._children, "nothing was started"


@pytest.mark.parametrize(
    ("status", "memory", "words"),
    [
        (-9, True, "The machine ran out of memory at step 7, and the system ended the run."),
        (None, True, "The machine ran out of memory at step 7, and the system ended the run."),
        (-9, False, "The run was killed from outside (signal 9) at step 7."),
        (-11, True, "The run crashed at step 7 (SIGSEGV)."),
        (errno.ENOSPC, False, "The disk became full at step 7."),
        (1, False, "The run's process ended at step 7 without a word."),
        (None, False, "The run's process ended at step 7 without a word."),
    ],
)
def test_deaths_have_names(status: int | None, memory: bool, words: str) -> None:
    ended = endings.died(status, 7, Path("run"), memory=memory)
    assert (ended.status, ended.sentence, ended.step) == ("failed", words, 7)
    assert ended.remedy.endswith(".")


def test_what_is_not_there_is_not_promised(tmp_path: Path) -> None:
    assert endings.died(-9, 0, Path("run"), memory=False).sentence.endswith("before the first step.")
    (tmp_path / endings.LOG).touch()
    assert endings.cancelled(0, tmp_path / "not there").sentence == "Cancelled before the first step."
    assert endings.cancelled(3, tmp_path).sentence == "Cancelled after step 3."
    (tmp_path / "adapter").mkdir()
    assert endings.cancelled(3, tmp_path).sentence == "Cancelled after step 3; its last snapshot is kept."
