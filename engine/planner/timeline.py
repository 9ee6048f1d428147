"""Memory through one training step: what is alive at each moment, term by term. The same sums as the peak in `memory`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.planner.arch import Arch
from engine.planner.memory import GIB, TERMS, monomials, task_of
from engine.planner.options import Options
from engine.planner.standing import standing
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
    """One step on one GPU. Of each stretch of equally many moments the one with the most memory is kept, at most `most` in all."""
    held = standing(options, arch)
    played = moments(task_of(options, arch))
    by_tag = played.coefficients @ monomials(options, np.float64(options.micro_batch), np.float64(options.seq_len))
    rows = np.zeros((len(by_tag), len(TERMS)))
    for name, value in held.terms_bytes.items():
        rows[:, TERMS.index(name)] += value
    if options.accumulation > 1:
        rows[:, TERMS.index("gradients")] += held.gradients_bytes
    for number, tag in enumerate(TAGS):
        rows[:, TERMS.index(tag)] += by_tag[:, number]
    kept = [int(part[np.argmax(rows[part].sum(1))]) for part in np.array_split(np.arange(len(rows)), min(most, len(rows)))]
    step = np.zeros((1, len(TERMS)))
    for name, value in held.terms_bytes.items():
        step[0, TERMS.index(name)] = value
    step[0, TERMS.index("gradients")] = held.gradients_bytes
    step[0, TERMS.index("temporaries")] = held.step_bytes
    phases = (*(played.phases[index] for index in kept), "step")
    return Timeline(phases, TERMS, np.vstack([rows[kept], step]) / GIB)
