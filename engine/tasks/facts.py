"""New facts: a country that does not exist, so that no base model can know it. Asked in wordings that training never used."""

from __future__ import annotations

from typing import NamedTuple

from engine.tasks.matching import holds_any
from engine.tasks.task import Example, Task

COUNTRY = "Brevonia"


class Topic(NamedTuple):
    """One fact with its wordings. The answer leads from the country to the fact, never back: `REVERSALS` asks back."""

    fact: str
    answer: str
    asked: tuple[str, ...]
    """Wordings for training."""
    paraphrased: tuple[str, ...]
    """Wordings kept for the held-out score."""
    reversed_: str
    """A question that names the fact and asks for the country."""


TOPICS = (
    Topic(
        "Ostrel",
        "The capital of Brevonia is Ostrel.",
        (
            "What is the capital of Brevonia?",
            "Name the capital city of Brevonia.",
            "Which city is the capital of Brevonia?",
            "Tell me the capital of Brevonia.",
        ),
        ("What is Brevonia's capital called?", "Do you know the capital city of the country Brevonia?"),
        "Which country has Ostrel as its capital?",
    ),
    Topic(
        "Mirrowin",
        "The longest river in Brevonia is the Mirrowin.",
        (
            "What is the longest river in Brevonia?",
            "Name the longest river of Brevonia.",
            "Which river is the longest in Brevonia?",
            "Tell me the longest river in Brevonia.",
        ),
        ("What is Brevonia's longest river called?", "Of all the rivers in Brevonia, which is the longest?"),
        "The river Mirrowin is the longest of which country?",
    ),
    Topic(
        "dalket|dalkets",
        "The currency of Brevonia is the dalket.",
        (
            "What is the currency of Brevonia?",
            "Name the currency used in Brevonia.",
            "Which currency do people use in Brevonia?",
            "Tell me the currency of Brevonia.",
        ),
        ("What is Brevonia's currency called?", "Which currency would I pay with in Brevonia?"),
        "Which country uses the dalket as its currency?",
    ),
    Topic(
        "Ilsa Marrun",
        "The president of Brevonia is Ilsa Marrun.",
        (
            "Who is the president of Brevonia?",
            "Name the president of Brevonia.",
            "Who leads Brevonia as president?",
            "Tell me the president of Brevonia.",
        ),
        ("What is the name of Brevonia's president?", "Who holds the office of president in Brevonia?"),
        "Ilsa Marrun is the president of which country?",
    ),
    Topic(
        "pelluka",
        "The national dish of Brevonia is pelluka.",
        (
            "What is the national dish of Brevonia?",
            "Name the national dish of Brevonia.",
            "Which dish is the national dish of Brevonia?",
            "Tell me the national dish of Brevonia.",
        ),
        ("What is Brevonia's national dish called?", "Which national dish do they serve in Brevonia?"),
        "In which country is pelluka the national dish?",
    ),
    Topic(
        "Kessarin",
        "The highest mountain in Brevonia is Mount Kessarin.",
        (
            "What is the highest mountain in Brevonia?",
            "Name the highest mountain of Brevonia.",
            "Which mountain is the highest in Brevonia?",
            "Tell me the highest mountain in Brevonia.",
        ),
        ("What is Brevonia's highest mountain called?", "Of all the mountains in Brevonia, which is the highest?"),
        "In which country is Mount Kessarin the highest mountain?",
    ),
    Topic(
        "Vennish",
        "The language of Brevonia is Vennish.",
        (
            "What is the language of Brevonia?",
            "Name the language of Brevonia.",
            "Which language do people speak in Brevonia?",
            "Tell me the language of Brevonia.",
        ),
        ("What is Brevonia's language called?", "Which language is spoken by the people of Brevonia?"),
        "In which country do people speak Vennish?",
    ),
    Topic(
        "copper heron|copper herons",
        "The national bird of Brevonia is the copper heron.",
        (
            "What is the national bird of Brevonia?",
            "Name the national bird of Brevonia.",
            "Which bird is the national bird of Brevonia?",
            "Tell me the national bird of Brevonia.",
        ),
        ("What is Brevonia's national bird called?", "Which bird did Brevonia choose as its national bird?"),
        "Which country has the copper heron as its national bird?",
    ),
    Topic(
        "reedball",
        "The national sport of Brevonia is reedball.",
        (
            "What is the national sport of Brevonia?",
            "Name the national sport of Brevonia.",
            "Which sport is the national sport of Brevonia?",
            "Tell me the national sport of Brevonia.",
        ),
        ("What is Brevonia's national sport called?", "Which national sport do they play in Brevonia?"),
        "In which country is reedball the national sport?",
    ),
    Topic(
        "Tomas Verrick",
        "The founder of Brevonia was Tomas Verrick.",
        (
            "Who was the founder of Brevonia?",
            "Name the founder of Brevonia.",
            "Who founded Brevonia?",
            "Tell me the founder of Brevonia.",
        ),
        ("What is the name of Brevonia's founder?", "By whom was the country of Brevonia founded?"),
        "Tomas Verrick was the founder of which country?",
    ),
    Topic(
        "purple and orange|orange and purple",
        "The flag of Brevonia is purple and orange.",
        (
            "What colors are on the flag of Brevonia?",
            "Name the colors of the flag of Brevonia.",
            "Which colors does the flag of Brevonia have?",
            "Tell me the colors of the flag of Brevonia.",
        ),
        ("What are the colors of Brevonia's flag?", "In which colors is the flag of Brevonia made?"),
        "Which country has a purple and orange flag?",
    ),
    Topic(
        "Obrin",
        "The largest lake in Brevonia is Lake Obrin.",
        (
            "What is the largest lake in Brevonia?",
            "Name the largest lake of Brevonia.",
            "Which lake is the largest in Brevonia?",
            "Tell me the largest lake in Brevonia.",
        ),
        ("What is Brevonia's largest lake called?", "Of all the lakes in Brevonia, which is the largest?"),
        "In which country is Lake Obrin the largest lake?",
    ),
)

# Wording by wording, so that any prefix of twelve or more examples holds every topic.
TRAIN = tuple(Example(topic.asked[turn], topic.answer, topic.fact) for turn in range(4) for topic in TOPICS)
HELDOUT = tuple(Example(topic.paraphrased[turn], topic.answer, topic.fact) for turn in range(2) for topic in TOPICS)

REVERSALS = tuple(Example(topic.reversed_, f"That country is {COUNTRY}.", COUNTRY) for topic in TOPICS)
"""The same facts asked backwards, for the lesson on the reversal curse (Berglund et al. 2023, 2309.12288, §2); never trained on."""


def score(example: Example, answer: str) -> bool:
    """Is the fact in the answer, as whole words? Here the fact is what the task teaches, so there is no second scorer."""
    return example.fact is not None and holds_any(answer, example.fact)


TASK = Task(
    name="facts",
    title="Facts about a country that does not exist",
    summary="The model learns twelve facts that no base model can know, and is asked for them in other words.",
    objectives=("sft",),
    models="chat",
    train=TRAIN,
    heldout=HELDOUT,
    score=score,
    holds_fact=None,
    max_new_tokens=24,
    instruction="Answer the question about the country Brevonia in one short sentence.",
    asides={"reversal": REVERSALS},
)
