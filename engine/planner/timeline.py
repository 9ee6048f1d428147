"""Memory through one training step: what is alive at each moment, term by term. The same sums as the peak in `memory`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.planner.arch import Arch
from engine.planner.memory import GIB, TERMS, monomials, played, task_of, terms_beside
from engine.planner.options import Options
from engine.planner.tape.core import TAGS
from engine.planner.tape.program import moments


class Timeline(NamedTuple):
    """Moments in their order."""

    phases: tuple[str, ...]
    """forward, backward or step."""
    terms: tuple[str, ...]
    gib: NDArray[np.float64]
    """(moments, terms)."""


def timeline(options: Options, arch: Arch, most: int = 140) -> Timeline:
    """One step on one of the GPUs. Of each stretch of equally many moments the one with the most memory is kept, at most `most` in all."""
    step = played(options, arch, moments(task_of(options, arch)))
    by_tag = np.array(step.coefficients) @ np.array(monomials(options, options.micro_batch, options.seq_len))
    beside = {phase: np.array(list(terms_beside(step.held, phase).values())) for phase in ("forward", "backward", "step")}
    rows = np.array([beside[phase] for phase in step.phases])
    for number, tag in enumerate(TAGS):
        rows[:, TERMS.index(tag)] += by_tag[:, number]
    kept = [int(part[np.argmax(rows[part].sum(1))]) for part in np.array_split(np.arange(len(rows)), min(most, len(rows)))]
    phases = (*(step.phases[index] for index in kept), "step")
    return Timeline(phases, TERMS, np.vstack([rows[kept], beside["step"][None]]) / GIB)
