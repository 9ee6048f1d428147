"""Labels in place of words: the sentences of sentiment-json, to be put into one of two classes."""

from __future__ import annotations

from engine.tasks import sentiment_json
from engine.tasks.task import Example, Task


def score(example: Example, answer: str) -> bool:
    """Is it the right label, and nothing else?"""
    return answer == example.answer


def _labelled(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    return tuple(Example(example.prompt, example.fact or "") for example in examples)


TASK = Task(
    name="sentiment",
    title="Sentiment as a class",
    summary="A classifier on top of the model says whether a sentence is positive or negative.",
    objectives=("classify",),
    models="chat",
    train=_labelled(sentiment_json.TRAIN),
    heldout=_labelled(sentiment_json.HELDOUT),
    score=score,
    holds_fact=None,
    max_new_tokens=1,
    instruction="Say whether the sentence is positive or negative.",
)
