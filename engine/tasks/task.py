"""What a task is: prompts with reference answers, and exact scorers. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Example(NamedTuple):
    """One prompt with the answer that training aims at."""

    prompt: str
    """What the user says, without any chat template."""
    answer: str
    """What the model should say, without an end token."""
    fact: str | None = None
    """The key fact of a good answer, whatever its style or format; wordings that are as good are separated by "|"."""
    rejected: str | None = None
    """The worse of two answers, made up; for preference tasks."""
    kind: str | None = None
    """The type of task that the prompt belongs to; for instruction mixtures."""


Scorer = Callable[[Example, str], bool]


class Probe(NamedTuple):
    """What tells how much a run forgot: general examples that no task trains on."""

    examples: tuple[Example, ...]
    """Their answers' loss is measured."""
    asked: tuple[Example, ...]
    """Those of them that the model is asked to answer by itself."""
    holds: Scorer
    """Is such an answer still right?"""
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class Task:
    """A data set with the scorers that say whether an answer is good."""

    name: str
    title: str
    summary: str
    """One sentence for the learner: what changes when training works."""
    objectives: tuple[str, ...]
    """The objectives that the examples can serve, the usual one first."""
    models: str
    """Which base models the task suits: "chat" (instruction-tuned) or "nano" (stories)."""
    train: tuple[Example, ...]
    """In the order that a run takes them: any prefix is a mixed sample."""
    heldout: tuple[Example, ...]
    """Never trained on; no prompt of it, normalised, is in `train`."""
    score: Scorer
    """Does this answer show what the task teaches?"""
    holds_fact: Scorer | None
    """Does this answer hold the prompt's key fact? None where the facts are what the task teaches."""
    max_new_tokens: int
    """Longest answer that a scorer needs to see, tokens."""
    instruction: str = ""
    """What one would ask of the model in place of training it; soft prompts start from its tokens."""

    asides: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    """Name -> prompts asked beside the held-out ones at the start and the end, with a score of their own, `<name>_score`."""

    def drawn(self, examples: int, task_types: int | None = None) -> tuple[Example, ...]:
        """The first training examples; of a mixture, those of its first `task_types` types."""
        kinds = list(dict.fromkeys(example.kind for example in self.train))[:task_types]
        return tuple(example for example in self.train if example.kind in kinds)[:examples]
