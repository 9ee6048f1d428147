"""A run from spec to result: load, adapt, train, look, save. A generator of events; it draws and stores nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.contracts import Ended, Event, Phase, RunError, RunSpec, Step, explain
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
    except Exception as error:
        known = explain(error)
        if known is None:
            raise
        kept = run is not None and step > 0 and isinstance(error, RunError) and run.save_snapshot()
        remedy = f"{known.remedy} What was learned up to step {step} is kept." if kept else known.remedy
        yield Ended("failed", known.sentence, remedy, step)


def unmoved(spec: RunSpec) -> Step:
    """The step before the first, for a run that takes none."""
    return Step(0, spec.steps, math.nan, 0.0, 0.0, 0, 0.0, 0.0, 0.0, peak_memory_bytes())
