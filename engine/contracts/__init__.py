"""The words that all rooms share: specs, events, errors. Standard library only."""

from engine.contracts.errors import NOT_FINITE, DeltaLabError, RunError, SpecError, UnknownRunError, explain, is_disk_full
from engine.contracts.events import (
    Answer,
    Artifact,
    Ended,
    Evaluated,
    Event,
    Phase,
    Probed,
    Started,
    Step,
    event_from_json,
    event_to_json,
)
from engine.contracts.spec import CELLS, CHOICES, DTYPES, METHODS, OBJECTIVES, RECIPE, TARGET_WORDS, RunSpec

__all__ = [
    "DTYPES",
    "CELLS",
    "CHOICES",
    "METHODS",
    "NOT_FINITE",
    "OBJECTIVES",
    "RECIPE",
    "TARGET_WORDS",
    "Answer",
    "Artifact",
    "DeltaLabError",
    "Ended",
    "Evaluated",
    "Event",
    "Phase",
    "Probed",
    "RunError",
    "RunSpec",
    "SpecError",
    "Started",
    "Step",
    "UnknownRunError",
    "event_from_json",
    "event_to_json",
    "explain",
    "is_disk_full",
]
