"""Errors that reach a person. Each one is a sentence that names the field, the value and the remedy."""

from __future__ import annotations

NOT_FINITE = "The loss stopped being a finite number"
"""How a run that diverged begins its last sentence; whoever reads runs knows it by this."""


class DeltaLabError(Exception):
    """Base of every error whose text is written for the person who caused or can mend it."""


class SpecError(DeltaLabError, ValueError):
    """A spec, or other input, that cannot be run. Holds every problem found, not only the first.

    Args:
        problems: One sentence each, in the form "rank=0 must be at least 1; use 8 for a first run".
    """

    def __init__(self, *problems: str) -> None:
        self.problems: tuple[str, ...] = problems
        super().__init__("; also: ".join(problems))


class RunError(DeltaLabError, RuntimeError):
    """A run that cannot go on.

    Args:
        sentence: What went wrong, in plain words, with the values that matter.
        remedy: What to do next.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        self.sentence = sentence
        self.remedy = remedy
        super().__init__(f"{sentence} {remedy}".strip())
