"""Getting a model onto this machine, or saying that it is there already."""

from __future__ import annotations

from engine.catalog.models import find_card, is_nano, is_present
from engine.contracts import RunError
from engine.models import smollm2
from engine.models.smollm2 import Report


def fetch(name: str, report: Report = lambda done, total, phase: None) -> None:
    """Make a catalogue model ready to load. Does nothing when it is; picks up where an interrupted call stopped.

    Raises:
        SpecError: The name is not in the catalogue.
        RunError: No network, a full disk, or a file that is not what it should be; with what to do next.
    """
    card = find_card(name)
    if is_present(name):
        report(card.fetch_bytes, card.fetch_bytes, "ready")
        return
    if is_nano(name):
        raise RunError(
            f"The weights of {name} ship with the program, and are missing or cut short.",
            f"Restore engine/models/nano/weights from the repository, or make them again: python -m engine.models.nano.pretrain {name}",
        )
    smollm2.fetch(report)
