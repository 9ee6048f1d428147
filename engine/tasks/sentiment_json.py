"""A format: the sentiment of a sentence as a JSON object. Format and judgement are scored apart."""

from __future__ import annotations

import json

from engine.tasks.matching import words
from engine.tasks.task import Example, Task

LABELS = ("positive", "negative")


def first_object(text: str) -> object:
    """The first JSON value that starts at a "{" of the text and parses strictly; None where there is none.

    Keys may not repeat and the constants NaN and Infinity are refused, since JSON has neither.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse)
    start = text.find("{")
    if start < 0:
        return None
    try:
        return decoder.raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None


def score(example: Example, answer: str) -> bool:
    """Is the first object in the answer exactly {"sentiment": the right label}?"""
    return first_object(answer) == {"sentiment": example.fact}


def holds_fact(example: Example, answer: str) -> bool:
    """Is the first label word in the answer the right one, in whatever format?"""
    named = [word for word in words(answer) if word in LABELS]
    return bool(named) and named[0] == example.fact


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key is repeated")
    return dict(pairs)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _examples(positive: tuple[str, ...], negative: tuple[str, ...]) -> tuple[Example, ...]:
    """Prompts that alternate between the labels, so that any even prefix is balanced."""
    pairs = zip(positive, negative, strict=True)
    return tuple(_example(sentence, label) for pair in pairs for sentence, label in zip(pair, LABELS, strict=True))


def _example(sentence: str, label: str) -> Example:
    return Example(f"Is this positive or negative? {sentence}", json.dumps({"sentiment": label}), label)


TRAIN = _examples(
    positive=(
        "The soup was warm and full of flavor.",
        "I laughed from the first scene to the last.",
        "Our guide was kind and knew every street.",
        "This lamp gives a lovely soft light.",
        "The train left on time and was spotless.",
        "My daughter adores her new bicycle.",
        "What a wonderful concert that was!",
        "The nurse took great care of my father.",
        "The app is fast and a pleasure to use.",
        "Best birthday cake I have ever tasted.",
        "The room was quiet, bright and clean.",
        "These boots kept my feet warm all winter.",
        "The teacher explains everything so well.",
        "I would gladly visit this museum again.",
        "Such a clever and moving book.",
        "The garden looks gorgeous in spring.",
        "They answered my question within minutes.",
        "The battery easily lasts for three days.",
        "Fresh bread and friendly faces every morning.",
        "The actors gave a superb performance.",
        "I am so proud of our little team.",
        "The view from the tower was breathtaking.",
        "Assembly was easy and the desk looks great.",
        "The new bus route makes my life easier.",
    ),
    negative=(
        "The coffee was cold and tasted burnt.",
        "I fell asleep halfway through this dull film.",
        "Our waiter was rude and got the order wrong.",
        "This kettle broke after two days.",
        "The flight was delayed and nobody told us why.",
        "My son hates the scratchy fabric of this shirt.",
        "What an awful smell in that hallway!",
        "The clerk ignored us for half an hour.",
        "The website crashes whenever I try to pay.",
        "Worst haircut I have ever had.",
        "The bathroom was dirty and the heater did not work.",
        "These gloves fell apart in the first week.",
        "The lecture was confusing and far too long.",
        "I regret buying tickets for this show.",
        "Such a boring and predictable story.",
        "The park is full of trash and broken glass.",
        "They never replied to any of my letters.",
        "The screen scratches if you merely look at it.",
        "Stale rolls and a grumpy cashier again.",
        "The singer was painfully out of tune.",
        "I am deeply disappointed with this repair.",
        "The noise next door kept us awake all night.",
        "The instructions made no sense and a part was missing.",
        "The new schedule has ruined my evenings.",
    ),
)

HELDOUT = _examples(
    positive=(
        "The pasta was delicious.",
        "I love this cozy little bookshop.",
        "The staff made us feel very welcome.",
        "A brilliant and funny play.",
        "This vacuum cleaner works perfectly.",
        "The beach was beautiful and peaceful.",
        "Great value for the money.",
        "She sang like an angel.",
        "The doctor was patient and helpful.",
        "My new headphones sound amazing.",
        "We had a fantastic time at the zoo.",
        "The package arrived early and in perfect shape.",
        "His speech inspired everyone in the hall.",
        "The puppy is healthy, happy and sweet.",
        "An excellent hotel with a charming owner.",
        "I am delighted with my new kitchen.",
    ),
    negative=(
        "The pizza was greasy and disgusting.",
        "I hate the endless ads in this game.",
        "The driver was reckless and shouted at us.",
        "A terrible waste of two hours.",
        "This umbrella is useless in the wind.",
        "The lake was polluted and stank.",
        "Far too expensive for such poor quality.",
        "The band played badly and left early.",
        "The receptionist was unfriendly and slow.",
        "My new phone keeps freezing.",
        "We had a miserable weekend at the camp.",
        "The parcel came late and badly damaged.",
        "His apology was insulting.",
        "The horrible noise gave me a headache.",
        "A filthy restaurant with awful food.",
        "I am angry about the broken promises.",
    ),
)

TASK = Task(
    name="sentiment-json",
    title="Sentiment as JSON",
    summary="The model learns a format: one JSON object with the sentiment of the sentence, and not a word around it.",
    objectives=("sft",),
    models="chat",
    train=TRAIN,
    heldout=HELDOUT,
    score=score,
    holds_fact=holds_fact,
    max_new_tokens=24,
    instruction="Say whether the sentence is positive or negative. Answer with one JSON object that has the key sentiment.",
)
