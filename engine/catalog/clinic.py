"""The clinic: runs that go wrong in a known way, each as changes to a spec that works. Data; no torch.

What a case shows is named by `engine.doctor.diagnose`, and its words (symptom, cause, mend) stand in lessons/text/clinic/<shows>.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.catalog.defaults import default_spec
from engine.contracts import RunSpec, SpecError

NANO = {"model": "nano-0.5m", "task": "stories"}
SMOLLM2 = {"model": "smollm2-135m-instruct"}
PAIRS = {"model": "nano-0.5m", "task": "endings", "objective": "dpo"}
LEASHED = {**PAIRS, "objective": "rlhf", "pairs": "made-up", "examples": 8, "steps": 24, "learning_rate": 1e-2, "kl_weight": 0.2}
"""A reward model of eight made-up pairs is easily pleased, and the rate is high: the leash has something to hold."""


class Case(NamedTuple):
    """One fault that teaches."""

    name: str
    start: dict[str, Any]
    """What is asked of `default_spec`: model, task, method, objective, and what the fault and its mend have in common."""
    changes: dict[str, Any]
    """What breaks it."""
    shows: str
    """Key of the diagnosis that the broken run shows."""
    mend: dict[str, Any] = {}
    """What to change beyond taking `changes` back; mostly nothing."""

    def broken(self, **more: Any) -> RunSpec:
        """The spec that goes wrong."""
        return default_spec(**{**self.start, **self.changes, **more})

    def mended(self, **more: Any) -> RunSpec:
        """The spec that works."""
        return default_spec(**{**self.start, **self.mend, **more})


CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("lr-too-low", NANO, {"learning_rate": 1e-5}, "lr-too-low"),
        Case("lr-too-low-full", {**NANO, "method": "full"}, {"learning_rate": 1e-6}, "lr-too-low"),
        Case("lr-too-high", NANO, {"learning_rate": 1e-1}, "diverged"),
        Case("lr-too-high-full", {**SMOLLM2, "task": "pirate", "method": "full"}, {"learning_rate": 2e-3}, "forgot-much"),
        Case("alpha-damped", NANO, {"alpha": 0.002}, "alpha-damped"),
        Case("wrong-template", NANO, {"fault": "wrong-template"}, "wrong-template"),
        Case("prompt-loss", NANO, {"fault": "prompt-loss"}, "prompt-loss"),
        Case("adapter-off", NANO, {"fault": "adapter-off"}, "adapter-off"),
        Case("compared-with-itself", NANO, {"fault": "compared-with-itself"}, "compared-with-itself"),
        Case("overfit", NANO, {"examples": 8, "steps": 80}, "overfit"),
        Case("few-targets", NANO, {"targets": "k_proj", "rank": 1}, "few-targets"),
        Case("packed-outlier", {**NANO, "method": "qlora"}, {"fault": "outlier"}, "packed-outlier"),
        Case(
            "soft-prompt-facts",
            {**SMOLLM2, "task": "facts"},
            {"method": "prompt"},
            "soft-prompt-facts",
        ),
        Case("facts-backwards", {**SMOLLM2, "task": "facts"}, {}, "facts-backwards"),
        Case("dpo-made-up", {**PAIRS, "steps": 10, "eval_every": 5}, {"pairs": "made-up"}, "dpo-invisible"),
        Case("dpo-too-long", {**PAIRS, "learning_rate": 5e-3, "steps": 8}, {"steps": 40}, "dpo-past-best"),
        Case("dpo-chosen-falls", {**PAIRS, "learning_rate": 5e-3, "steps": 8, "beta": 1.0}, {"steps": 40}, "dpo-chosen-falls"),
        Case("dpo-beta-small", {**PAIRS, "learning_rate": 5e-3, "steps": 24, "beta": 1.0}, {"beta": 0.01}, "dpo-beta-small"),
        Case("dpo-no-reference", PAIRS, {"reference": "none"}, "dpo-without-reference"),
        Case("reward-hacked", LEASHED, {"kl_weight": 0.0}, "reward-hacked"),
    )
}


def find_case(name: str) -> Case:
    """The case of that name. Raises SpecError, with the names that exist, for any other."""
    if name not in CASES:
        raise SpecError(f"case={name!r:.60} is not one of {', '.join(CASES)}")
    return CASES[name]
