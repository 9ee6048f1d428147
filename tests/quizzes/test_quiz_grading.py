from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizzes import bank
from quizzes.grading import falling, grade, key_of
from quizzes.schema import Match, Number, Option, Order, Pair, Pick, Question, Recall
from quizzes.units import Problem, find_unit, read_number
from quizzes.variants import variant

TEXTS = ["one", "two", "three", "four", "five"]


def _options(right: set[int]) -> tuple[Option, ...]:
    return tuple(Option("abcde"[i], text, f"about {text}", i in right) for i, text in enumerate(TEXTS))


def _question(body, kind="choice") -> Question:
    return Question("some-question", "lora", kind, "What?", body, "quiz", "/lora", "a source")


BODIES = [
    ("choice", Pick(_options({2}))),
    ("choices", Pick(_options({0, 3}), several=True)),
    ("number", Number("6 * 7", "MB", 0.02, "yes", "no")),
    ("order", Order(_options(set()))),
    ("match", Match(tuple(Pair("abc"[i], f"l{i}", f"r{i}", "f") for i in range(3)))),
    ("recall", Recall("it is so", _options(set()))),
]


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_the_key_earns_full_credit(kind, body):
    shown = variant(_question(body, kind), 3)
    assert grade(shown, key_of(shown)).credit == 1.0


@given(st.integers(0, 10_000), st.sets(st.sampled_from("abcde"), min_size=1))
def test_several_choices_full_credit_only_for_the_key_in_any_order(seed, picked):
    shown = variant(_question(Pick(_options({0, 3}), several=True), "choices"), seed)
    shuffled = sorted(picked)
    random.Random(seed).shuffle(shuffled)
    verdict = grade(shown, {"picked": shuffled})
    assert (verdict.credit == 1.0) == (picked == {"a", "d"})
    assert verdict.credit == grade(shown, {"picked": sorted(picked)}).credit
    assert 0 <= verdict.credit <= 1


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.permutations("abcde"))
def test_shuffling_the_options_never_changes_a_grade(one, other, order):
    for kind, body in BODIES:
        question = _question(body, kind)
        chosen = {"picked": order[:2] if kind == "choices" else order[:1], "order": order, "points": order[:3], "number": "42"}
        chosen["pairs"] = dict(zip("abc", order, strict=False))
        assert grade(variant(question, one), chosen) == grade(variant(question, other), chosen)


@given(st.permutations("abcde"))
def test_an_order_earns_full_credit_only_when_it_is_the_right_one(order):
    credit = grade(variant(_question(Order(_options(set())), "order"), 0), {"order": order}).credit
    assert (credit == 1.0) == ("".join(order) == "abcde")


@settings(max_examples=2_000)
@given(st.text(max_size=100))
def test_no_text_makes_the_number_grader_raise(text):
    shown = variant(_question(BODIES[2][1], "number"), 0)
    verdict = grade(shown, {"number": text})
    assert 0 <= verdict.credit <= 1


def test_ten_thousand_random_strings_never_raise():
    source = random.Random(0)
    alphabet = "0123456789.,eE+-−×x*^ kMGBTiKbit%$sminh_'\u00a0∞½٣NaNinf()/\\\n\0"
    for _ in range(10_000):
        text = "".join(source.choice(alphabet) for _ in range(source.randint(0, 20)))
        for unit in ("MB", "", "%", "s", "parameters"):
            read_number(text, unit)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=3), x)
    )
)
def test_no_stored_choice_makes_a_grader_raise(value):
    for kind, body in BODIES:
        for name in ("picked", "number", "order", "pairs", "points"):
            assert 0 <= grade(variant(_question(body, kind), 1), {name: value}).credit <= 1


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.5e6", "", 1.5e6),
        ("1,500,000", "", 1.5e6),
        ("1 500 000", "", 1.5e6),
        ("1.5M", "parameters", 1.5e6),
        ("1.5 million parameters", "parameters", 1.5e6),
        ("7B", "parameters", 7e9),
        ("33.6 MB", "MB", 33.6),
        ("33,6 MB", "MB", 33.6),
        ("32 MiB", "MB", 33.554432),
        ("0.0336 GB", "MB", 33.6),
        ("33.6M", "MB", 33.6),
        ("8 bits", "B", 1.0),
        ("5 min", "s", 300.0),
        ("12 %", "%", 12.0),
        ("0.5", "%", 0.5),
        ("10,000x", "x", 1e4),
        ("1.5 × 10^-3", "", 1.5e-3),
        ("$3", "$", 3.0),
        ("-2", "", -2.0),
        (".5", "", 0.5),
        ("1_000", "", 1000.0),
    ],
)
def test_numbers_are_read_as_people_write_them(text, unit, value):
    assert read_number(text, unit).value == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "12,34,5", "--3", "1e", "1e99999", "9" * 90])
def test_what_is_no_number_is_told(text):
    reading = read_number(text, "MB")
    assert reading.value is None and reading.problem


def test_a_wrong_unit_is_named():
    body = Number("33.6", "MB", 0.02, "yes", "no")
    shown = variant(_question(body, "number"), 0)
    kilo = grade(shown, {"number": "33.6 kB"})
    assert kilo.credit == 0 and kilo.problem == Problem("wrong_unit", "kB", "MB")
    seconds = grade(shown, {"number": "33.6 s"})
    assert seconds.credit == 0 and seconds.problem == Problem("wrong_kind", "s", "MB", "time")
    assert grade(shown, {"number": "33.6 furlong"}).problem == Problem("unknown_unit", "furlong", "MB")


def test_an_unknown_unit_of_a_question_is_an_error():
    with pytest.raises(ValueError, match="furlong"):
        read_number("3", "furlong")
    assert find_unit("furlong") is None


def test_credit_falls_with_hints_and_tries():
    values = [falling(1.0, hints, tries) for hints, tries in ((0, 0), (1, 0), (0, 1), (1, 1), (2, 1))]
    assert values == [1.0, 0.6, 0.6, 0.3, 0.0]


def test_nothing_chosen_is_no_try():
    for kind, body in BODIES:
        if kind != "recall":
            assert grade(variant(_question(body, kind), 0), {}).unread


def test_full_credit_in_the_bank_is_only_for_the_key():
    for question in bank.questions().values():
        shown = variant(question, 5)
        assert grade(shown, key_of(shown)).right, question.id
        if isinstance(question.body, Pick):
            for option in question.body.options:
                alone = grade(shown, {"picked": [option.key]})
                assert alone.right == (key_of(shown)["picked"] == [option.key]), question.id
