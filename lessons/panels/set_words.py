"""What recorded sets of runs say, in words that follow their numbers."""

from __future__ import annotations

from collections.abc import Mapping

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


def way_name(way: dict[str, float]) -> str:
    """What a recorded run against forgetting was told to do otherwise; one thing at a time."""
    if way["rehearsal"]:
        return label("rehearsal.share", share=f"{100 * way['rehearsal']:g}%")
    if way["rate"] != 1:
        return label("rehearsal.rate", rate=f"{way['rate']:g}")
    if way["steps"] != 1:
        return label("rehearsal.early", steps=f"{100 * way['steps']:.0f}%")
    return label("rehearsal.usual")


def rehearsal_words(found: SceneData, place: int) -> str:
    """Which way of one method buys most skill for least damage, both as shares of the usual run's, and which buys least.

    Damage is counted in questions of the probe that are lost; where the usual run loses all of them, in loss.
    """
    base = dict(zip(found.about["measures"], found.arrays["before"].tolist(), strict=True))
    ends = {name: found.arrays[name][place].mean(1) for name in base}
    measure = "kept" if ends["kept"][0] > 0 else "probe"
    gain, damage = ends["score"] - base["score"], (base["kept"] - ends["kept"]) if measure == "kept" else (ends["probe"] - base["probe"])
    if min(gain[0], damage[0]) <= 0:
        return label("rehearsal.unharmed")
    skill, harm = gain / gain[0], damage / damage[0]
    order = 1 + np.argsort(harm[1:] - skill[1:], kind="stable")
    numbers = {}
    for name, at in (("best", order[0]), ("worst", order[-1])):
        shares = {"skill": f"{100 * skill[at]:.0f}%", "harm": f"{100 * max(0.0, harm[at]):.0f}%"}
        numbers |= {name: way_name(found.about["ways"][at]), **{f"{name}_{what}": share for what, share in shares.items()}}
    return label("rehearsal.bargain", **numbers, measure=label(f"rehearsal.by_{measure}"))


def length_words(sets: Mapping[str, SceneData]) -> str:
    """From how many learned positions on each twin has learned the task, or what they do to its loss where it never does."""
    said = []
    for twin, found in sets.items():
        lengths, score, loss = found.arrays["lengths"].tolist(), found.arrays["score"].mean(2), found.arrays["loss"].mean(2)
        learned = [bool((score[:, at:] >= WELL).all()) for at in range(len(lengths))]  # with both methods, and with every k from there on
        numbers = {"twin": label(f"lengths.{twin}"), "least": str(lengths[0]), "most": str(lengths[-1])}
        numbers |= {
            f"{name}_{end}": f"{loss[i, at]:.2f}"
            for i, name in enumerate(found.about["methods"])
            for end, at in (("first", 0), ("last", -1))
        }
        first = learned.index(True) if any(learned) else -1
        numbers |= {"enough": str(lengths[first]), "held": f"{100 * score[:, first].min():.0f}%", "score": f"{100 * score.max():.0f}%"}
        said.append(label("lengths.enough" if any(learned) else "lengths.never", **numbers))
    return " ".join(said)
