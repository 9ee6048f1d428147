"""What recorded sets of runs say, in words that follow their numbers."""

from __future__ import annotations

import numpy as np

from engine.catalog.tasks import TASKS
from engine.recorded.scenes import SceneData
from lessons.text import label

WELL = 0.8
"""Share of held-out prompts from which on a task counts as learned."""


def rank_words(found: SceneData) -> str:
    """Whether LoRA trained at rank r beats the full ΔW cut to r, in the runs of a rank set."""
    prompts = TASKS[found.about["specs"][0]["task"]].heldout_examples
    ranks = [rank for rank in found.arrays["ranks"].tolist() if rank]
    lead = found.arrays["trained"][:, 0] - found.arrays["cut"][-len(ranks) :, 0]
    one_answer = 1.5 / prompts  # two answers and more are called a lead
    ahead = [rank for rank, by in zip(ranks, lead, strict=True) if by > one_answer]
    behind = [rank for rank, by in zip(ranks, lead, strict=True) if by < -one_answer]
    if not ahead:
        return label("ranks.never")
    if ahead == ranks:
        return label("ranks.always")
    return label("ranks.mixed", lora=_at(ahead), cut=_at(behind))


def _at(ranks: list[int]) -> str:
    return label("ranks.at", ranks=", ".join(map(str, ranks))) if ranks else label("ranks.nowhere")


def early_words(found: SceneData) -> str:
    """Whether the first epoch brought more of the skill or more of the damage, at the lowest rate that learns the task."""
    rates, score, probe = (found.arrays[name] for name in ("rates", "score", "probe"))
    learns = np.flatnonzero(score[:, -1] >= WELL)
    at = int(learns[0]) if learns.size else int(score[:, -1].argmax())
    skill, harm = (float((values[at, 1] - values[at, 0]) / (values[at, -1] - values[at, 0])) for values in (score, probe))
    numbers = {"rate": f"{rates[at]:g}", "epochs": str(score.shape[1] - 1), "skill": f"{100 * skill:.0f}%", "harm": f"{100 * harm:.0f}%"}
    return label("rates.skill" if skill > harm else "rates.damage", **numbers)
