"""The tasks as data, so that pages and checks can speak of them without loading the examples. No torch.

A test holds every card against the task itself.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.contracts import SpecError


class TaskCard(NamedTuple):
    """One task."""

    name: str
    title: str
    objective: str
    models: str
    """"chat" or "nano": the base models that it suits."""
    train_examples: int
    heldout_examples: int
    longest_tokens: int
    """Tokens of the longest row, prompt, answer and template together, rounded up to a multiple of 8."""


TASKS: dict[str, TaskCard] = {
    card.name: card
    for card in (
        TaskCard("pirate", "Answers like a pirate", "sft", "chat", 48, 32, 48),
        TaskCard("sentiment-json", "Sentiment as JSON", "sft", "chat", 48, 32, 64),
        TaskCard("facts", "Facts about a country that does not exist", "sft", "chat", 48, 24, 64),
        TaskCard("stories", "Stories that end with a song", "sft", "nano", 256, 64, 96),
    )
}


def find_task(name: str) -> TaskCard:
    """The card of a task. Raises SpecError, with the names that exist, for any other."""
    if name not in TASKS:
        raise SpecError(f"task={name!r:.60} is not one of {', '.join(TASKS)}")
    return TASKS[name]
