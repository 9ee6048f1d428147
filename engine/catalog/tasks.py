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
    objectives: tuple[str, ...]
    """Those that its examples can serve, the usual one first."""
    models: str
    """"chat" or "nano": the base models that it suits."""
    train_examples: int
    heldout_examples: int
    longest_tokens: int
    """Tokens of the longest row, prompt, answer and template together, rounded up to a multiple of 8."""
    note: str
    """For the learner: what is taught, how it is scored, and what the score hides."""
    types: int = 0
    """Types of task in the training examples, of which a spec's `task_types` takes the first so many; 0 for tasks that are no mixture."""
    classes: int = 0
    """Labels to choose from; 0 for tasks that are not classified."""


TASKS: dict[str, TaskCard] = {
    card.name: card
    for card in (
        TaskCard(
            "pirate",
            "Answers like a pirate",
            ("sft",),
            "chat",
            48,
            32,
            48,
            (
                "The model keeps its facts and changes its voice. An answer counts when it has two of twelve pirate words, such as *arr* "
                "or *matey*. The held-out questions were chosen so that the base model knows the answer, and nine that trial runs lost "
                "were left out: facts that it holds less firmly suffer more than the key-fact score shows."
            ),
        ),
        TaskCard(
            "sentiment-json",
            "Sentiment as JSON",
            ("sft",),
            "chat",
            48,
            32,
            64,
            (
                "The model learns a format: one JSON object with the sentiment of the sentence, and not a word around it. An answer counts "
                "when it parses and the label is right; the key fact is the label, whatever the format."
            ),
        ),
        TaskCard(
            "sentiment",
            "Sentiment as a class",
            ("classify",),
            "chat",
            48,
            32,
            56,
            (
                "A classifier on top of the model says whether a sentence is positive or negative. An answer counts when the label is right. "
                "Both classes are equally frequent: a classifier that has learned nothing is right in half of the cases."
            ),
            classes=2,
        ),
        TaskCard(
            "facts",
            "Facts about a country that does not exist",
            ("sft",),
            "chat",
            48,
            24,
            64,
            ("The model learns twelve facts about a country that does not exist, and is asked for them in words that it never trained on."),
        ),
        TaskCard(
            "instructions",
            "Instructions of many types",
            ("sft",),
            "chat",
            512,
            30,
            48,
            (
                "The model trains on up to eight types of short instruction, and is asked three types of list task that it never trained on. "
                "The answer must match to the letter, so part of a gain is that the model learns to answer in a word; the key fact is the "
                "same answer with anything around it. For chat models only: a nano model knows no instructions."
            ),
            types=8,
        ),
        TaskCard(
            "brief",
            "Shorter answers that stay right",
            ("dpo", "reward", "rlhf"),
            "chat",
            48,
            24,
            96,
            (
                "Of two right answers the shorter one is preferred. An answer counts when it holds the key word and has at most twelve words. "
                "The worse answers are the base model's own, or made up by the course: padded ones that it would never say."
            ),
        ),
        TaskCard(
            "stories",
            "Stories that end with a song",
            ("sft",),
            "nano",
            256,
            64,
            96,
            (
                "The model stops ending its stories at home in a plain voice: it cheers, and ends with a song that repeats six words of the "
                "opening. All six must be right. The key fact is the hero's name."
            ),
        ),
        TaskCard(
            "orders",
            "Stories to order",
            ("sft",),
            "nano",
            320,
            40,
            96,
            (
                "Two words before the opening order an ending and a voice. The model trains on up to five such pairs, and is asked all five "
                "for new openings. Ending, voice and every fact must be right. Three pairs never train, though their words do: their score "
                "is measured aside, and falls. The key fact is the hero's name."
            ),
            types=5,
        ),
        TaskCard(
            "endings",
            "Stories that end with a feast",
            ("dpo", "reward", "rlhf"),
            "nano",
            128,
            64,
            88,
            (
                "Of two endings of one story, the one with a feast is preferred. A story counts when it ends with the feast, in the plain "
                "voice, and repeats every fact of its opening rightly. The worse endings are the base model's own, or made up: the better "
                "story itself, told with cheers. The key fact is the hero's name."
            ),
        ),
        TaskCard(
            "story-mood",
            "The mood that a story ends in",
            ("classify",),
            "nano",
            128,
            64,
            96,
            (
                "A classifier on top of the model reads a whole story and says in which of four moods it ends: sleepy, generous, hungry or "
                "musical. The mood follows from the ending alone. A classifier that has learned nothing is right in one case of four."
            ),
            classes=4,
        ),
    )
}


def find_task(name: str) -> TaskCard:
    """The card of a task. Raises SpecError, with the names that exist, for any other."""
    if name not in TASKS:
        raise SpecError(f"task={name!r:.60} is not one of {', '.join(TASKS)}")
    return TASKS[name]
