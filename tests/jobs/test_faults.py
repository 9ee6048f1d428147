"""Real processes, really killed: what goes wrong in one place stays there, and is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import short_recipe
from waiting import processes_of, wait_for, wait_for_state, wait_for_step

from engine import jobs
from engine.contracts import RunSpec
from engine.jobs import presence, process, supervisor
from engine.store import runs

SHARED_MACHINE = 4
"""The promises are 1 s for a cancel and 2 s for a death, on a quiet machine. Tests share theirs, so they allow this many times more."""
FOREVER = 5000
"""Steps of a run that no test waits for."""


def spec(steps: int = 5, fault: int = 1, seed: int = 0) -> RunSpec:
    return RunSpec("nano-0.1m", "stories", "full", steps=steps, micro_batch=fault, seed=seed)


def test_a_run_goes_from_click_to_done(home: Path) -> None:
    run_id = jobs.submit(spec())
    done = wait_for_state(run_id, "done")
    names = [event.event for _, event in jobs.events(run_id)]
    assert names == ["phase", "phase", *["step"] * 5, "ended"]
    assert [number for number, _ in jobs.events(run_id)] == list(range(1, 9))
    assert jobs.events(run_id, after=7) == jobs.events(run_id)[7:]
    assert done.result == {"steps": 5, "keep_model": False, "pid": done.result["pid"]}
    assert done.created <= done.started <= done.ended
    folder = jobs.artifact_dir(run_id)
    assert sorted(path.name for path in folder.iterdir()) == ["adapter.bin", "worker.log"], "a done run is not closed as if cancelled"
    assert done.bytes >= 48_000


def test_each_fault_is_a_sentence_and_hurts_nothing_else(home: Path) -> None:
    """Queued together, so each one also shows that the one before it left the queue whole."""
    expected = {
        short_recipe.EXPLAINED: "The loss became NaN at step 1.",
        short_recipe.KILLED: "The run was killed from outside (signal 9) before the first step.",
        short_recipe.UNEXPLAINED: "The run stopped on an unexpected error: ZeroDivisionError: a fault that nobody foresaw",
        short_recipe.CRASH: "The run crashed before the first step (SIGSEGV).",
        short_recipe.DISK_FULL: "The disk is full.",
        short_recipe.NO_MEMORY: "The run needs more memory than this machine has free.",
        short_recipe.SILENT: "The run stopped without saying how it ended.",
    }
    ids = {fault: jobs.submit(spec(fault=fault)) for fault in expected}
    good = jobs.submit(spec())
    assert wait_for_state(good, "done", seconds=60).state == "done"
    for fault, run_id in ids.items():
        ended = jobs.status(run_id)
        assert (ended.state, ended.sentence) == ("failed", expected[fault])
        assert ended.remedy
        assert [event.event for _, event in jobs.events(run_id)].count("ended") == 1
    assert "ZeroDivisionError" in (jobs.artifact_dir(ids[short_recipe.UNEXPLAINED]) / "worker.log").read_text()


def test_a_worker_killed_shows_as_failed_and_the_next_run_starts(home: Path) -> None:
    run_id = jobs.submit(spec(FOREVER))
    after = jobs.submit(spec())
    wait_for_step(run_id)
    killed_at = time.time()
    os.kill(runs.get(run_id).worker_pid, signal.SIGKILL)
    failed = wait_for_state(run_id, "failed", "done", "cancelled")
    assert failed.state == "failed"
    assert "killed from outside (signal 9) at step " in failed.sentence
    assert failed.ended - killed_at < 2 * SHARED_MACHINE
    assert wait_for_state(after, "done").state == "done"


def test_a_supervisor_killed_loses_no_run(home: Path) -> None:
    running, queued = jobs.submit(spec(100)), jobs.submit(spec(seed=1))
    wait_for_step(running)
    worker, first = runs.get(running).worker_pid, presence.supervisor()
    os.kill(first[0], signal.SIGKILL)
    assert wait_for_state(running, "done").result["pid"] == worker, "the same worker, to its end"
    assert wait_for_state(queued, "done").state == "done"
    assert presence.supervisor() not in (None, first)


def test_a_worker_that_dies_while_there_is_no_supervisor_is_found_by_the_next(home: Path) -> None:
    run_id = jobs.submit(spec(FOREVER))
    wait_for_step(run_id)
    os.kill(presence.supervisor()[0], signal.SIGKILL)
    os.kill(runs.get(run_id).worker_pid, signal.SIGKILL)
    failed = wait_for_state(run_id, "failed")
    assert "ended at step" in failed.sentence


def test_a_run_that_lost_its_worker_before_it_began_begins_again(alone: Path) -> None:
    """As a supervisor leaves it that is killed between the claim and handing the run over."""
    run_id = jobs.submit(spec())
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert runs.claim(run_id, gone.pid, "another boot:1")
    jobs.ensure_supervisor()
    assert wait_for_state(run_id, "done").state == "done"
    assert runs.get(run_id).attempts == 2


def test_the_process_that_asked_may_be_killed(home: Path) -> None:
    """The web process, that is: it starts the supervisor, and neither that nor the run goes down with it."""
    asking = "from test_faults import jobs, spec; print(jobs.submit(spec(60)), flush=True); input()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(("tests/jobs", "."))}
    web = subprocess.Popen([sys.executable, "-c", asking], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    with web:
        run_id = web.stdout.readline().strip()
        wait_for_step(run_id)
        web.kill()
    assert wait_for_state(run_id, "done").state == "done"


def test_cancel_closes_the_recipe_which_saves_what_it_has(home: Path) -> None:
    run_id = jobs.submit(spec(FOREVER))
    wait_for_step(run_id)
    asked_at = time.time()
    jobs.cancel(run_id)
    cancelled = wait_for_state(run_id, "cancelled")
    assert cancelled.ended - asked_at < 1 * SHARED_MACHINE
    steps = int((jobs.artifact_dir(run_id) / "snapshot").read_text())
    assert cancelled.sentence == f"Cancelled after step {steps}; its last snapshot is kept."
    assert jobs.events(run_id)[-1][1].status == "cancelled"


def test_cancel_reaches_into_a_long_step(home: Path) -> None:
    run_id = jobs.submit(spec(FOREVER, short_recipe.LONG_STEP))
    wait_for(lambda: len(jobs.events(run_id)) == 2, 30, "the long step to begin")
    jobs.cancel(run_id)
    assert wait_for_state(run_id, "cancelled").sentence == "Cancelled before the first step; its last snapshot is kept."
    assert (jobs.artifact_dir(run_id) / "snapshot").exists()


def test_a_worker_that_does_not_listen_is_killed_with_its_whole_group(home: Path) -> None:
    run_id = jobs.submit(spec(FOREVER, short_recipe.DEAF))
    child = int(wait_for(lambda: short_recipe.child_of(jobs.artifact_dir(run_id)), 30, "the deaf step to begin"))
    token = process.start_token(child)
    worker = runs.get(run_id)
    asked_at = time.time()
    jobs.cancel(run_id)
    cancelled = wait_for_state(run_id, "cancelled")
    assert 0.5 < cancelled.ended - asked_at < 1 * SHARED_MACHINE
    wait_for(lambda: not process.is_alive(worker.worker_pid, worker.worker_token), 10, "the worker to be gone")
    wait_for(lambda: not process.is_alive(child, token), 10, "its child to be gone")


def test_cancel_while_queued_never_starts_it(home: Path) -> None:
    first, second = jobs.submit(spec(FOREVER)), jobs.submit(spec(FOREVER, seed=1))
    wait_for_step(first)
    jobs.cancel(second)
    assert jobs.status(second).state == "cancelled"
    assert jobs.status(second).started is None
    jobs.cancel(first)
    ended = wait_for_state(first, "cancelled")
    jobs.cancel(first)
    assert jobs.status(first) == ended, "a run that has ended stays as it is"


def test_one_supervisor_and_one_worker_at_a_time(home: Path) -> None:
    jobs.ensure_supervisor()
    place = wait_for(presence.supervisor, 20, "a supervisor")
    late = subprocess.run([sys.executable, "-m", "engine.jobs.supervisor"], timeout=30, check=False)
    assert late.returncode == 0
    first, second = jobs.submit(spec(20)), jobs.submit(spec(20, seed=1))
    wait_for_state(second, "done")
    assert jobs.status(first).ended <= jobs.status(second).started
    assert presence.supervisor() == place


def test_a_standing_worker_waits_and_leaves_with_its_supervisor(home: Path) -> None:
    run_id = jobs.submit(spec())
    ended = wait_for_state(run_id, "done")
    warm = wait_for(lambda: _others(home, ended.result["pid"]), 20, "a new worker to stand by")
    again = jobs.submit(spec(), anew=True)
    assert wait_for_state(again, "done").result["pid"] in warm
    os.kill(presence.supervisor()[0], signal.SIGKILL)  # the next standing worker hears of it by the end of its pipe


def _others(home: Path, ended: int) -> list[int]:
    return [pid for pid in processes_of(home) if pid not in (ended, presence.supervisor()[0])]


def test_room_is_made_after_a_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_CAP_GB", "0.00006")  # a run of these leaves 48 kB
    first = jobs.submit(spec())
    wait_for_state(first, "done")
    second = jobs.submit(spec(seed=1))
    wait_for_state(second, "done")
    wait_for(lambda: jobs.status(first).artifacts_removed, 10, "the older run's artifacts to go")
    wait_for(lambda: not jobs.artifact_dir(first).exists(), 10, "its folder to be gone")
    assert jobs.artifact_dir(second).exists()


def test_a_supervisor_of_other_code_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = jobs.submit(spec(100))
    wait_for_step(run_id)
    old = presence.supervisor()
    monkeypatch.setattr(presence, "_code", lambda: "as after an update")
    monkeypatch.setattr(presence, "_known", set())  # as in a web process that has just started
    jobs.ensure_supervisor()
    assert not process.is_alive(*old)
    assert wait_for_state(run_id, "done").state == "done", "its running run was adopted"
    assert presence.supervisor() not in (None, old)


def test_an_idle_supervisor_leaves_only_when_nobody_gives_a_sign(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "stand_by", lambda *_, **__: None)
    me = supervisor.Supervisor()
    os.close(presence.take_place())
    assert supervisor.worth_a_look(me)
    supervisor.tick(me)
    assert not me.idle
    assert not supervisor.worth_a_look(me), "nothing to do and no sign: the database is left alone"
    os.utime(presence.place(), (0, 0))
    assert supervisor.worth_a_look(me)
    supervisor.tick(me)
    assert me.idle
    presence.place().unlink()
    assert not supervisor.worth_a_look(me)
    assert me.stopped, "its data folder is gone"
