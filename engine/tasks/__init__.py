"""The tasks: data sets with exact scorers, made for this course. Nothing here imports torch."""

from __future__ import annotations

from importlib import import_module

from engine.contracts import SpecError
from engine.tasks.task import Example, Probe, Scorer, Task

TASK_NAMES = ("pirate", "sentiment-json", "sentiment", "facts", "instructions", "brief", "stories", "orders", "endings", "story-mood")
PROBE_MODULES = {"chat": "engine.tasks.probe", "nano": "engine.tasks.stories"}

__all__ = ["TASK_NAMES", "Example", "Probe", "Scorer", "Task", "load", "load_probe"]


def load(name: str) -> Task:
    """The task of that name. Raises SpecError, with the list of names, where there is none."""
    if name not in TASK_NAMES:
        raise SpecError(f"task={name!r:.60} is not one of {', '.join(TASK_NAMES)}")
    task: Task = import_module(f"engine.tasks.{name.replace('-', '_')}").TASK
    return task


def load_probe(kind: str) -> Probe:
    """The forgetting probe for "chat" or "nano" models: general examples that no task trains on."""
    if kind not in PROBE_MODULES:
        raise SpecError(f"kind={kind!r:.60} is not one of {', '.join(PROBE_MODULES)}")
    probe: Probe = import_module(PROBE_MODULES[kind]).PROBE
    return probe
