"""The pages without a browser: each kind of question, hints, undo, reload, views, and errors of the store."""

from __future__ import annotations

import pytest
from hands import LEARNER, SEED, answer_rightly, button, one_question
from streamlit.testing.v1 import AppTest

from quizzes import bank
from quizzes.answers import in_force
from quizzes.sitting import is_try
from quizzes.stored import StoreLog
from quizzes.variants import variant

KINDS = {question.kind: question for question in reversed(bank.questions().values())}


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)


def page() -> AppTest:
    def script(learner: str) -> None:
        from unittest.mock import patch

        with patch("lessons.practice.learner_id", lambda: learner):
            from lessons import practice

            practice.page()

    return AppTest.from_function(script, args=(LEARNER,), default_timeout=30)


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.success, *test.warning, *test.error, *test.info]
    return "\n".join(str(part.value) for part in parts)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_asked_answered_saved_and_shown_again(kind):
    question = KINDS[kind]
    test = one_question(question.id)
    assert not test.exception, test.exception
    test.segmented_control[0].set_value("sure").run()
    answer_rightly(test, variant(question, SEED))
    assert not test.exception, test.exception
    rows = [row for row in StoreLog().load(LEARNER) if is_try(row)]
    assert len(rows) == 1 and rows[0].chosen["right"] is True and rows[0].credit == 1.0 and rows[0].confidence == "sure"
    again = one_question(question.id)
    assert not again.exception and words(again).count("Right.") == words(test).count("Right.")
    assert question.source in words(again)


def test_a_wrong_option_is_explained_and_a_retry_counts_less():
    test = one_question("lora-start-unchanged")
    button(test, "A and B are both zero").click().run()
    assert "gradient of each factor" in words(test) and "Try again" in words(test)
    button(test, "Hint 1").click().run()
    assert "Hint 1" in words(test)
    button(test, "A is random and B is zero").click().run()
    first, second = StoreLog().load(LEARNER)
    assert (first.credit, first.chosen["shows"], second.credit, second.hints, second.tries) == (0.0, ["lora-zero-both"], 0.3, 1, 1)


def test_a_number_that_cannot_be_read_is_no_try_and_a_wrong_unit_is_named():
    test = one_question("qlora-weights-bytes")
    test.text_input[0].set_value("lots")
    button(test, "Check").click().run()
    assert "is not a number" in words(test) and StoreLog().load(LEARNER) == []
    test.text_input[0].set_value("5 seconds")
    button(test, "Check").click().run()
    assert "measures time" in words(test)


def test_show_the_answer_ends_the_question():
    test = one_question("lora-start-unchanged")
    button(test, "A and B are both zero").click().run()
    button(test, "Show the answer").click().run()
    assert "right" in words(test) and not [b for b in test.button if b.label.startswith("Hint")]


def test_a_store_that_refuses_is_told_and_the_question_stays_open(monkeypatch):
    from engine.contracts import RunError

    test = one_question("lora-start-unchanged")

    def refuse(self, answer):
        raise RunError("The disk is full.", "Free some space.")

    monkeypatch.setattr(StoreLog, "save", refuse)
    button(test, "A is random and B is zero").click().run()
    assert "not saved" in words(test) and "Free some space" in words(test)
    assert button(test, "A is random and B is zero")


def test_practice_runs_through_the_queue_and_takes_the_last_answer_back():
    test = page().run()
    assert not test.exception, test.exception
    assert "What is LoRA's key insight?" in words(test)
    test.text_area[0].set_value("low rank")
    button(test, "Compare").click().run()
    button(test, "Save").click().run()
    button(test, "Next question").click().run()
    assert not test.exception and "key insight" not in words(test)
    button(test, "Take back the last answer").click().run()
    assert "key insight" in words(test) and "Taken back" in words(test)
    rows = StoreLog().load(LEARNER)
    assert [row for row in in_force(rows) if is_try(row)] == [] and any(row.undone for row in rows)


@pytest.mark.parametrize("view", ["today", "progress", "history", "take-along", "own-questions", "report", "no-such-view"])
def test_each_view_opens_from_its_address(view):
    test = page()
    test.query_params["view"] = view
    test.run()
    assert not test.exception, test.exception
    assert test.title[0].value == "Practice"


def test_a_lessons_quiz_without_a_learner_is_remembered_for_the_session():
    def script() -> None:
        from lessons.panels.quiz import quiz

        quiz("lora", None)

    test = AppTest.from_function(script, default_timeout=30).run()
    button(test, "A is random and B is zero").click().run()
    assert "Right." in words(test) and "Question 2 of 3" in words(test)
    assert "visitor" not in {row.learner for row in StoreLog().load_all()}


def test_many_answers_are_kept_together_and_come_back_as_they_were():
    from datetime import UTC, datetime

    from quizzes.answers import Answer, CachedLog

    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    chosen = {"picked": ["a"], "right": True, "shows": []}
    rows = [
        Answer(f"id{n:04d}", LEARNER, "lora-scaling", n, chosen, 1.0, "sure", 0, 1.5, "/practice", at, "2026-11-22") for n in range(2_500)
    ]
    log = CachedLog(StoreLog())
    assert log.load(LEARNER) == []
    log.save_all(rows)
    assert list(log.load(LEARNER)) == list(StoreLog().load(LEARNER)) == rows


def test_a_link_to_a_page_that_is_not_here_is_left_out(monkeypatch):
    from lessons.panels import question

    monkeypatch.setattr(question, "_addresses", lambda: frozenset({"/lora"}))
    assert question._is_here("/lora?lr=1e-5#run") and not question._is_here("/qlora#run") and not question._is_here("")


def test_an_unknown_lesson_has_a_sentence_and_no_traceback():
    def script() -> None:
        from lessons.panels.quiz import quiz

        quiz("no-such-lesson", None)

    test = AppTest.from_function(script, default_timeout=30).run()
    assert not test.exception and "no questions yet" in words(test)
