"""A run from spec to result: load, adapt, train, look, save. A generator of events; it draws and stores nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from engine.contracts import Ended, Event, Phase, RunError, RunSpec, SpecError, Step
from engine.training.loop import optimise, peak_memory_bytes
from engine.training.observe import GLANCE, Run


def train(spec: RunSpec, *, out: Path | None = None, keep_model: bool = False) -> Iterator[Event]:
    """Fine-tune as the spec says, one event at a time; the last event is always `Ended`.

    Args:
        spec: What to run.
        out: Folder for `adapter/` or `model/`, `delta/` and `result.json`; None leaves nothing behind.
        keep_model: Keep the whole weights of a full fine-tuning, not only the leading directions of its ΔW.

    A closed generator (cancel) saves the adapter as it stands. Faults that can be explained end the run as failed.
    """
    run: Run | None = None
    step = 0
    try:
        yield Phase("loading", spec.model)
        run = Run(spec, out, keep_model)
        yield run.started()
        yield from run.objective.prepare()
        yield Phase("training", f"{spec.steps} steps")
        last = unmoved(spec)
        for last in optimise(run.adaptation, run.objective, spec):
            step = last.step
            yield replace(last, seconds_left=last.seconds_left + run.looks_left_seconds(step))
            if step == 1 and spec.fault != "compared-with-itself":
                yield from run.look_at_base()
            if spec.eval_every and step % spec.eval_every == 0 and step < spec.steps:
                yield run.look(step, GLANCE)
        if step == 0 or spec.fault == "compared-with-itself":  # an empty mixture, or a base that was forgotten until now
            yield from run.look_at_base()
        yield from run.finish(last)
    except GeneratorExit:
        if run and step:
            run.save_snapshot()
        raise
    except SpecError as error:
        yield Ended("failed", str(error), "Change the settings and run again.", step)
    except (RunError, MemoryError, torch.OutOfMemoryError, OSError) as error:
        if run and step and isinstance(error, RunError):
            run.save_snapshot()
        yield Ended("failed", *explain(error), step)


def unmoved(spec: RunSpec) -> Step:
    """The step before the first, for a run that takes none."""
    return Step(0, spec.steps, math.nan, 0.0, 0.0, 0, 0.0, 0.0, 0.0, peak_memory_bytes())


def explain(error: Exception) -> tuple[str, str]:
    """Sentence and remedy for a fault that people can mend."""
    if isinstance(error, RunError):
        return error.sentence, error.remedy
    if isinstance(error, OSError):
        return f"A file could not be read or written: {error}.", "Check the free space of the disk, then run again."
    return "The run needs more memory than this machine has free.", "Lower micro_batch, or take a smaller model."
