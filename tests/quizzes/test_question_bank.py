from __future__ import annotations

from collections import Counter

import pytest

from quizzes import bank
from quizzes.lint import lint, names_of
from quizzes.schema import KINDS, PAGES, PARTS, Match, Number, Option, Order, Pack, Pick, Question, Recall
from quizzes.variants import all_variants, variant

QUESTIONS = list(bank.questions().values())


def test_each_lesson_has_enough_questions():
    counts = Counter(question.lesson for question in QUESTIONS)
    assert set(counts) == set(PAGES)
    assert min(counts.values()) >= 12 and sum(counts.values()) >= 150


def test_enough_are_parametrised_and_every_kind_is_there():
    assert sum(question.parametrised for question in QUESTIONS) >= 40
    kinds = Counter(question.kind for question in QUESTIONS)
    assert set(kinds) == set(KINDS) and min(kinds.values()) >= 5


def test_the_four_classic_questions_open_practice():
    openings = {question.opening: question for question in QUESTIONS if question.opening}
    assert sorted(openings) == [1, 2, 3, 4]
    assert all(question.kind == "recall" for question in openings.values())
    assert "key insight" in openings[1].stem and "RLHF" in openings[4].stem


def test_the_linter_finds_nothing():
    assert lint(bank.packs(), bank.misconceptions().values()) == []


def test_there_are_about_thirty_misconceptions_each_used_and_told():
    found = bank.misconceptions()
    assert 28 <= len(found) <= 40
    assert set().union(*(names_of(question) for question in QUESTIONS)) == set(found)
    assert all(entry.name and len(entry.truth) > 40 for entry in found.values())


def test_most_wrong_options_carry_a_misconception():
    wrong = [option for q in QUESTIONS if isinstance(q.body, Pick) for option in q.body.options if not option.correct]
    assert sum(option.misconception is not None for option in wrong) / len(wrong) > 0.85


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_question_is_complete(question):
    assert question.page == PAGES[question.lesson] and question.part in PARTS
    assert question.source and len(question.id) <= 64
    texts: list[str] = []
    match question.body:
        case Pick(options=things) | Order(items=things) | Recall(points=things):
            texts = [thing.feedback for thing in things]
        case Match(pairs=pairs):
            texts = [pair.feedback for pair in pairs]
        case Number() as body:
            texts = [body.right, body.wrong]
            assert body.mistakes, "a number tells the usual slips apart"
    assert all(len(text) >= 15 for text in texts)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_no_slot_is_left_in_any_variant(question):
    for shown in all_variants(question):
        assert "{{" not in repr(shown.question)


def test_the_same_seed_gives_the_same_variant_and_others_differ():
    question = bank.questions()["lora-adapter-parameters"]
    assert variant(question, 7) == variant(question, 7)
    assert len({variant(question, seed).question.stem for seed in range(40)}) > 8


def _pack(*questions: Question) -> Pack:
    return Pack("lora", "LoRA", questions)


def _choice(identity: str, stem: str = "What?", texts: tuple[str, ...] = ("the right one", "b", "c"), first: bool = True) -> Question:
    options = tuple(Option("abc"[i], t, "because it is so", i == (0 if first else 1)) for i, t in enumerate(texts))
    return Question(identity, "lora", "choice", stem, Pick(options), "quiz", "/lora", "s")


@pytest.mark.parametrize(
    ("pack", "word"),
    [
        (_pack(*(_choice(f"q{i}", f"What {i}?") for i in range(6))), "longest"),
        (_pack(*(_choice(f"q{i}", f"What {i}?", ("a", "bb", "cc")) for i in range(6))), "first"),
        (_pack(_choice("one"), _choice("two", "what")), "same stem"),
        (_pack(_choice("one", "{{nothing}}")), "nothing"),
    ],
)
def test_the_linter_sees(pack, word):
    assert any(word in finding for finding in lint([pack]))


def test_the_linter_sees_short_feedback_and_unused_misconceptions():
    short = Question(
        "q", "lora", "choice", "W?", Pick((Option("a", "x", "no"), Option("b", "y", "because it is so", True))), "quiz", "/lora", "s"
    )
    findings = lint([_pack(short)], list(bank.misconceptions().values())[:1])
    assert any("says too little" in finding for finding in findings) and any("carried by no option" in finding for finding in findings)


def test_the_linter_sees_variants_that_coincide():
    from quizzes.schema import Draw, Mistake

    same_face = Question("q", "lora", "number", "How many?", Number("a", "", 0.02, "yes, that many", "no, not that many"), "quiz", "/", "s")
    blind = Question(**{**_fields(same_face), "draw": Draw(lists={"a": (1, 2)})})
    near = Number("a * 100", "", 0.02, "yes, that many", "no, not that many", (Mistake("a * 101", "close, but not it"),))
    slip = Question(**{**_fields(same_face), "stem": "{{a}}?", "body": near, "draw": Draw(lists={"a": (1, 2)})})
    assert any("look the same" in finding for finding in lint([_pack(blind)]))
    assert any("cannot be told from" in finding for finding in lint([_pack(slip)]))


def _fields(question: Question) -> dict[str, object]:
    return {name: getattr(question, name) for name in question.__dataclass_fields__}
