"""A run's events sorted by kind, so that pages and checks need not walk the list again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from engine.contracts import Artifact, Ended, Evaluated, Event, Phase, Probed, Started, Step

T = TypeVar("T", bound=Event)


class Story(NamedTuple):
    """What a run has said so far, in the order in which it was said."""

    started: Started | None
    phase: Phase | None
    """The latest one."""
    steps: tuple[Step, ...]
    looks: tuple[Evaluated, ...]
    """The base first (step 0)."""
    probes: tuple[Probed, ...]
    artifacts: tuple[Artifact, ...]
    ended: Ended | None

    @property
    def base(self) -> Evaluated | None:
        """The look at the base model, on all held-out prompts."""
        return next((look for look in self.looks if look.step == 0), None)

    @property
    def latest(self) -> Evaluated | None:
        """The latest look at the tuned model."""
        return next((look for look in reversed(self.looks) if look.step > 0), None)

    @property
    def progress(self) -> float:
        """Share of the optimizer steps that are done, 0 to 1."""
        return self.steps[-1].step / self.steps[-1].steps if self.steps else 0.0


def tell(events: Iterable[Event]) -> Story:
    """Sort events by kind."""
    said = list(events)

    def of(kind: type[T]) -> tuple[T, ...]:
        return tuple(event for event in said if isinstance(event, kind))

    first = of(Started)[:1]
    return Story(
        first[0] if first else None,
        (of(Phase) or (None,))[-1],
        of(Step),
        of(Evaluated),
        of(Probed),
        of(Artifact),
        (of(Ended) or (None,))[-1],
    )
