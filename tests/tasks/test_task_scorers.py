"""The scorers are exact: they never raise, and near misses fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tasks import Example, load
from engine.tasks.matching import holds_any, holds_phrase, words
from engine.tasks.pirate import markers
from engine.tasks.sentiment_json import first_object

ASKED = Example("What is the capital of France?", "Arr, the capital of France is Paris, matey!", "Paris")
GOOD_FILM = Example("Is this positive or negative? A good film.", '{"sentiment": "positive"}', "positive")
ODD_TEXT = st.text() | st.text(alphabet='{}[]":,\\ positvengamrhy|\n', max_size=80)


@pytest.mark.parametrize("name", ("pirate", "sentiment-json", "sentiment", "facts", "instructions", "story-mood"))
@given(answer=ODD_TEXT)
def test_no_text_makes_a_scorer_raise(name: str, answer: str) -> None:
    task = load(name)
    assert task.score(task.heldout[0], answer) in (True, False)
    assert task.holds_fact is None or task.holds_fact(task.heldout[0], answer) in (True, False)


@pytest.mark.parametrize(
    ("answer", "style"),
    [
        ("Arr, it is Paris, matey!", True),
        ("ARRRR! AHOY!", True),
        ("Aye, shiver me timbers.", True),
        ("The capital of France is Paris.", False),
        ("Arr, it is Paris!", False),
        ("Arr, arrr, arrrrr!", False),
        ("Ye and yer and yerself.", False),
        ("Ar, ma tey, a hoy!", False),
        ("Carry the mateyness into the array.", False),
        ("The yen is old, eyes are yellow, hearty soup.", False),
        ("Yo, ho! Avast", True),
    ],
)
def test_pirate_style_needs_two_distinct_whole_markers(answer: str, style: bool) -> None:
    assert load("pirate").score(ASKED, answer) is style


def test_markers_copied_from_the_prompt_do_not_count() -> None:
    prompt = ASKED._replace(prompt="Ahoy matey, what is the capital of France?")
    assert not load("pirate").score(prompt, "Ahoy matey, it is Paris.")
    assert load("pirate").score(prompt, "Arr, matey, it is Paris, ye landlubber.")


@given(st.sampled_from(["matey", "ahoy", "avast", "landlubber", "scallywag"]), st.data())
def test_a_marker_split_in_two_is_no_marker(marker: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(marker) - 1))
    gap = data.draw(st.sampled_from([" ", "-", "_", "\n"]))
    assert marker not in markers(f"well {marker[:cut]}{gap}{marker[cut:]} then")


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        ("It is paris.", True),
        ("PARIS!", True),
        ("Paris's streets", True),
        ("Par\u00eds", True),
        ("The Parisian way", False),
        ("Par is", False),
        ("London", False),
    ],
)
def test_pirate_key_fact(answer: str, holds: bool) -> None:
    task = load("pirate")
    assert task.holds_fact is not None and task.holds_fact(ASKED, answer) is holds


def test_a_number_inside_a_longer_number_is_not_the_fact() -> None:
    assert holds_any("There are 7.", "seven|7")
    assert not holds_any("About 7,982,960 of 17 and 3.7", "seven|7")


@given(st.text(), st.text())
def test_a_phrase_is_found_only_as_whole_words(text: str, phrase: str) -> None:
    assert holds_phrase(f"so {phrase} it is", phrase) is bool(words(phrase))
    if holds_phrase(text, phrase):
        assert len(words(phrase)) <= len(words(text))


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        ('{"sentiment": "positive"}', True),
        ('{"sentiment":"positive"}', True),
        ('Here you are: {\n "sentiment" : "positive"\n} as asked', True),
        ('```json\n{"sentiment": "positive"}\n```', True),
        ('{"sentiment": "negative"}', False),
        ('{"sentiment": "negative"} {"sentiment": "positive"}', False),
        ('{"sentiment": "Positive"}', False),
        ('{"Sentiment": "positive"}', False),
        ('{"sentiment": "positive", "score": 1}', False),
        ('{"sentiment": "negative", "sentiment": "positive"}', False),
        ('{"sentiment": "positive", "sentiment": "positive"}', False),
        ("{'sentiment': 'positive'}", False),
        ('{"sentiment": "positive",}', False),
        ('{"sentiment": "positive"', False),
        ('{"sentiment": ["positive"]}', False),
        ('[{"sentiment": "positive"}]', True),
        ('{} {"sentiment": "positive"}', False),
        ("positive", False),
        ('{"sentiment": NaN}', False),
        ("{" * 100_000, False),
        ('{"a":' * 100_000, False),
        ('{"a": ' + "9" * 10_000 + "}", False),
    ],
)
def test_sentiment_needs_the_exact_object(answer: str, good: bool) -> None:
    assert load("sentiment-json").score(GOOD_FILM, answer) is good


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.text() | st.integers()), st.text(alphabet="abc \n"))
def test_any_object_is_read_back_whatever_stands_before_it(value: dict[str, object], before: str) -> None:
    assert first_object(before + json.dumps(value)) == value


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        ("It is positive.", True),
        ('{"sentiment": "positive"}', True),
        ('{"mood": "POSITIVE"', True),
        ("Negative, not positive.", False),
        ("Positively so", False),
        ("", False),
    ],
)
def test_sentiment_judgement_is_scored_apart_from_the_format(answer: str, holds: bool) -> None:
    task = load("sentiment-json")
    assert task.holds_fact is not None and task.holds_fact(GOOD_FILM, answer) is holds


@pytest.mark.parametrize(("answer", "good"), [("It is OSTREL", True), ("Ostrel's the one", True), ("Ostrels", False), ("Mirrowin", False)])
def test_new_facts_are_whole_words(answer: str, good: bool) -> None:
    task = load("facts")
    assert task.score(task.heldout[0], answer) is good
