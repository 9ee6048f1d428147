"""Runs for the tests of the arena: recorded ones, and runs of this machine that said what recorded ones did."""

from __future__ import annotations

from collections.abc import Sequence

from engine import jobs
from engine.contracts import RunSpec
from engine.recorded import find_recording
from engine.recorded.runs import Recording
from engine.store import events, runs
from lessons.panels.arena_field import Contender, field, story
from lessons.panels.arena_match import Round, rounds

LEARNER = "0" * 32
SMOL, NANO = "smollm2-135m-instruct", "nano-0.5m"
USUAL = ("lora", "qlora", "prefix")


def own(spec: RunSpec, like: Recording | None = None) -> str:
    """A finished run of this machine that said what a recorded one did."""
    kept = like or find_recording(spec.model, spec.task, spec.method, spec.objective)
    run_id = jobs.submit(spec, anew=True)
    assert kept and runs.claim(run_id, 1, "no process")
    for event in kept.events[:-1]:
        events.append(run_id, event)
    runs.end(run_id, kept.events[-1])
    return run_id


def recorded(keys: Sequence[str] = USUAL, model: str = SMOL, task: str = "pirate") -> list[Contender]:
    return [next(c for c in field()[model, task] if c.key == key) for key in keys]


def contest(keys: Sequence[str] = USUAL) -> list[Round]:
    chosen = recorded(keys)
    return rounds(chosen, {contender.key: story(contender) for contender in chosen})
