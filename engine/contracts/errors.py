"""Errors that reach a person. Each one is a sentence that names the field, the value and the remedy."""

from __future__ import annotations

import errno

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


class UnknownRunError(RunError):
    """An id that names no run of this machine."""


def is_disk_full(error: BaseException) -> bool:
    """Whether a disk, or a user's share of it, is full. safetensors tells it in words of its own, not as an OSError."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return type(error).__name__ == "SafetensorError" and any(f"(os error {code})" in str(error) for code in (errno.ENOSPC, errno.EDQUOT))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: of Python, of a GPU, or of torch's CPU allocator, which raises a plain RuntimeError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in said for words in ("t allocate memory", "cannot allocate memory", "not enough memory")
    )


def explain(error: BaseException) -> RunError | None:
    """Sentence and remedy for a fault that people can mend; None for any other."""
    if isinstance(error, RunError):
        return error
    if isinstance(error, DeltaLabError):
        return RunError(str(error), "Change the settings and run again.")
    if is_out_of_memory(error):
        return RunError("The run needs more memory than this machine has free.", "Lower micro_batch, or take a smaller model.")
    if is_disk_full(error):
        return RunError("The disk is full.", "Free some space, then run again; what was saved before is safe.")
    if isinstance(error, OSError):
        return RunError(f"A file could not be read or written: {error}.", "Check that it is there and yours to use, then run again.")
    return None
