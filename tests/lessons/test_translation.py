"""The course can be translated: shown in a language with an accent on every vowel, no plain English is left on any page.

Pictures are looked at as the browser gets them: titles, axes, legends, notes, what is said under the pointer and read out, tables,
names of downloads, and the words of the buttons round them.

Not looked at: names and notes of models and tasks in the catalogue, what models said, and code. English still stands in the
engine's errors and notes, which other programs print too (in `engine/planner` the formulas and sources of terms, what a change
costs, and measured groups), in what is wrong with a file that was uploaded (`quizzes`), and in files for other programs
(`quizzes/export`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from streamlit.testing.v1 import AppTest

import lessons.text as texts
from engine.doctor import tell
from engine.planner.answer import answer
from engine.planner.claims import claims
from engine.planner.explain import explain
from engine.planner.hardware import gpus
from engine.planner.options import read_options
from engine.planner.ways import combination, ways
from engine.recorded import recordings
from engine.store import predictions, progress
from lessons.catalog import LESSONS, find
from lessons.gallery import EXHIBITS
from lessons.panels import current, planner_accuracy
from lessons.panels.dials import Cell, parse_link
from lessons.panels.planner_ask import START
from lessons.panels.question_forms import number_problem
from lessons.planner import SECTIONS
from lessons.practice import VIEWS
from lessons.preference import NANO
from lessons.stage import FRONTEND
from lessons.stage import page as stage_page
from quizzes import units
from quizzes.answers import Answer
from quizzes.schema import Match, Number, Order, Pick, Recall
from quizzes.stored import StoreLog
from tests.lessons.plain import ENGLISH, PLAIN, elements, english, pictures, without_names
from tests.lessons.pseudo import QUESTIONS, pseudo, speak
from tests.quizzes.hands import LEARNER, one_question

ROOT = Path(__file__).parents[2]
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}|^[\"`][A-Z][a-z]+[\"`]$")
"""In a script: two words in a row, or one that begins as the name of a button does."""
SHOWN_OF_AN_ANSWER = 120
KINDS = {question.kind: question for question in reversed(QUESTIONS.values())}


@pytest.fixture
def in_pseudo_language(monkeypatch, tmp_path):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    yield from speak(monkeypatch)


def engine_words(**question: object) -> list[str]:
    """What the engine says itself about an answer of the calculator, and about what was measured."""
    found = answer(read_options(question))
    said = [text for term in explain(found) for text in (term.formula, term.source)]
    said += [text for way in (*ways(found), *(combination(found) or ())) for text in (way.name, way.note)]
    said += [text for card in gpus().values() for text in (card.price_source, card.note, card.check)]
    report = planner_accuracy._report()
    said += [row["group"] for part in ("rows", "held_out", "own", "speed", "others") for row in report[part]]
    said += [*report["no_published_rows"], *(miss["reason"] for miss in report["misses"])]
    said += [claim.source for claim in claims()]
    return sorted({text.replace("|", "/") for text in said if text}, key=len, reverse=True)


def show(path: str, query: dict[str, str] | None = None, **state: object) -> AppTest:
    test = AppTest.from_string(f"from lessons.{find(path).module} import page; page()", default_timeout=60)
    for name, value in (query or {}).items():
        test.query_params[name] = value
    for name, chosen in state.items():
        test.session_state[name.replace("_", "-")] = chosen
    return test.run()


@pytest.mark.parametrize("page", (*LESSONS, find("runs"), find("record")), ids=lambda page: page.path)
def test_no_english_is_left(page, in_pseudo_language):
    test = show(page.path)
    assert not english(test)
    for choice in test.radio:  # causes of broken runs, and steps of the path
        choice.set_value(choice.options[-1])
    assert not english(test.run())


def test_a_record_with_predictions_is_translated(in_pseudo_language, monkeypatch):
    learner = "a" * 32
    monkeypatch.setattr("lessons.record.learner_id", lambda: learner)
    made = predictions.save(learner, "lora", {"answers": 3, "of": 4})
    predictions.score(made, {"answers": 4, "of": 4}, 0.75)
    progress.mark(learner, "lora", ["idea", "see"])
    test = show("record")
    assert not english(test) and len(test.header) == 2


@pytest.mark.parametrize("section", SECTIONS)
def test_no_english_is_left_on_the_calculator(section, in_pseudo_language):
    assert not english(show("calculator", calculator_section=section), engine_words(**START))


@pytest.mark.parametrize(
    "question",
    [
        {"method": "full", "gpus": 8, "examples": 1000, "tokens_per_example": 100, "micro_batch": 2},
        {"method": "full", "model": "meta-llama/Llama-2-70b-hf", "gpu": "T4", "seq_len": 4096},
        {"method": "prefix", "price": 2.0, "gpu": "24"},
        {"method": "prompt", "objective": "dpo", "gpu": "H200"},
    ],
    ids=lambda question: question["method"] + question.get("gpu", ""),
)
def test_no_english_is_left_on_other_answers_of_the_calculator(question, in_pseudo_language):
    question = {"model": "meta-llama/Llama-2-7b-hf", **question}
    known = engine_words(**question)
    for section in ("fit", "sum"):
        link = {name.replace("_", "-"): str(value) for name, value in question.items()}
        assert not english(show("calculator", link, calculator_section=section), known)


@pytest.mark.parametrize("view", VIEWS)
def test_no_english_is_left_in_practice(view, in_pseudo_language, monkeypatch):
    monkeypatch.setattr("lessons.practice.learner_id", lambda: LEARNER)
    assert not english(show("practice", {"view": view}))
    some_answers()
    assert not english(show("practice", {"view": view}))


def some_answers() -> None:
    """Enough of them for every table of the practice page."""
    at = datetime.now(UTC)
    for place, question in enumerate(QUESTIONS.values()):
        wrong = place % 2 == 0 and isinstance(question.body, Pick)
        shows = [option.misconception for option in question.body.options if option.misconception] if wrong else []
        chosen = {"picked": ["a"], "right": not wrong, "shows": shows}
        row = Answer(
            f"id{place}", LEARNER, question.id, 0, chosen, float(not wrong), "sure", 0, 1.5, "/practice", at, at.date().isoformat()
        )
        StoreLog().save(row)


def test_no_english_is_left_in_a_day_of_practice(in_pseudo_language):
    test = show("practice")
    for key in ("check", "check", "next", "undo"):
        press(test, "practice-", key)
        assert not english(test)
    del test.session_state["practice-open"]
    test.session_state["practice-more"] = -100
    assert not english(test.run()) and test.success


def press(test: AppTest, start: str, end: str = "") -> None:
    """The button with that key."""
    keys = [str(entry.key) for entry in test.button]
    assert (key := next((key for key in keys if key.startswith(start) and key.endswith(end)), None)), keys
    test.button(key=key).click().run()


@pytest.mark.parametrize("kind", KINDS)
def test_no_english_is_left_on_a_question(kind, in_pseudo_language):
    body = KINDS[kind].body
    known = [body.unit] if isinstance(body, Number) and body.unit else []
    test = one_question(KINDS[kind].id)
    assert not english(test, known)
    if KINDS[kind].hints:
        press(test, "one-hint")
    for _ in answered(test, body):
        assert not english(test, known)
    if not isinstance(body, Number | Recall):  # those are over by now
        press(test, "one-show")
    assert not english(test, known)


def answered(test: AppTest, body: Any) -> Iterator[None]:
    """Every widget is used, as a learner would who does not know; after each press the page is looked at."""
    match body:
        case Pick(several=False):
            press(test, f"one-option-{next(option.key for option in body.options if not option.correct)}")
        case Number():
            for typed in ("lots", "1e99999", "5 furlong", "5 nats", "-1"):
                test.text_input[0].set_value(typed)
                press(test, "FormSubmitter")
                yield
        case Match():
            press(test, "one-check")
            yield
            for box in test.selectbox:
                box.set_value(box.options[0])
            press(test, "one-check")
        case Recall():
            press(test, "one-check")
            yield
            press(test, "one-check")
        case Pick() | Order():
            press(test, "one-check")
            yield
            kind, things = ("option", body.options) if isinstance(body, Pick) else ("item", reversed(body.items))
            for thing in things:
                press(test, f"one-{kind}-{thing.key}")
                yield
            press(test, "one-check")
    yield


def test_every_trouble_with_a_number_has_words(in_pseudo_language):
    for kind in get_args(get_type_hints(units.Problem)["kind"]):
        for wanted in ("", "x", "%", "MB"):
            assert not ENGLISH.search(number_problem(units.Problem(kind, "7", wanted, "time")))
    measures = {units.find_unit(word).measures for word in (*units._COUNTED, "MB", "bit", "s", "flop", "%", "$", "nats", "tok/s")}
    assert measures == set(texts.table("question")["measures"])


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"names": "True", "model": "nano-0.5m"},
        {"model": "nano-0.5m", "task": "endings", "runs": "lora-dpo,lora-rlhf"},
        {"task": "instructions"},
        {"model": "m", "runs": "r", "round": "0", "names": "n"},
        {"runs": "lora,qlora,prefix,prompt,full", "task": "t"},
    ],
    ids=lambda query: "-".join(query) or "usual",
)
def test_no_english_is_left_in_the_arena(query, in_pseudo_language, monkeypatch):
    monkeypatch.setattr("lessons.arena.learner_id", lambda: LEARNER)
    looks = [tell(kept.events) for kept in recordings()]
    answers = [answer for story in looks for look in (story.base, story.latest) for answer in look.answers]
    said = sorted({escape(text) for answer in answers for text in (answer.prompt, answer.tuned)}, key=len, reverse=True)
    test = show("arena", query)
    assert not english(test, said)
    for key in ("arena-pick-", "arena-next", "arena-undo") if query.get("task") != "instructions" else ():
        press(test, key)
        assert not english(test, said)


def test_no_english_is_left_in_the_gallery(in_pseudo_language):
    test = show("gallery")
    assert not english(test) and len(test.header) == len(EXHIBITS)
    assert sum(bool(pictures(node)) for node in elements(test.main)) == len(EXHIBITS)


@pytest.mark.parametrize(
    ("path", "question"),
    [("rlhf-and-dpo", {"objective": "reward"}), ("rlhf-and-dpo", {"objective": "rlhf"}), ("prompt-and-prefix", {"method": "prefix"})],
    ids=lambda value: "" if isinstance(value, str) else "".join(value.values()),
)
def test_no_english_is_left_over_other_runs(path, question, in_pseudo_language):
    kept = [shown for shown in (current.recorded(NANO, "brief", "lora", "rlhf"),) if shown]
    said = {answer.tuned for shown in kept for look in shown.story.looks for answer in look.answers}
    assert said
    test = show(path, question)
    assert not english(test, [*sorted(said, key=len, reverse=True), *{text[:SHOWN_OF_AN_ANSWER] for text in said}])


def test_the_stages_html_has_names_in_the_place_of_words(in_pseudo_language):
    page = (FRONTEND / "stage.html").read_text("utf-8")
    for html in (re.sub(r"{{\w+}}", " ", page), stage_page()):
        told = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', html)
        assert not PLAIN.search(" ".join([re.sub(r"<[^>]*>", " ", html), *told]))


def test_the_stages_scripts_ask_for_texts_by_names_that_are_there():
    """None has words of its own but fonts, names of keys, and errors, which are for the console."""
    asked = set()
    for file in sorted(FRONTEND.glob("*.js")):
        code = re.sub(r"^\s*(//|/?\*).*$|\s//\s.*$|new Error\(.*?\)", "", file.read_text("utf-8"), flags=re.MULTILINE)
        literals = [re.sub(r"\$\{[^}]*\}", "x", found) for found in re.findall(r'"[^"\n]*"|`[^`\n]*`', code)]
        assert not [text for text in literals if SENTENCE.search(text) and "sans-serif" not in text and text != '"Enter"'], file.name
        asked |= {name for pair in re.findall(r'say\((?:[^"()]*\? )?"(\w+)"(?: : "(\w+)")?', code) for name in pair if name}
    known = texts.table("labels")["stage"].keys()
    assert asked <= known and known - asked == {"nothing", "step", "full_height", "full_colour"}, (
        "the first two are for Python, the others are chosen before"
    )


def test_no_month_or_weekday_comes_from_the_machines_own_language():
    written = {file.name: file.read_text("utf-8") for folder in ("lessons", "viz") for file in ROOT.joinpath(folder).rglob("*.py")}
    assert len(written) > 50 and not [name for name, code in written.items() if re.search(r"%-?[aAbBcx]\b", code)]


def test_what_a_link_says_wrongly_is_told_in_words_from_files(in_pseudo_language):
    query = {"model": "m", "task": "t", "rank": "r", "dora": "d"}
    _, problems = parse_link(query, Cell("nano-0.5m", "endings", "lora", "sft"))
    words = " ".join(problems)
    assert len(problems) == 4 and not ENGLISH.search(words)


def test_the_test_sees_english():
    assert ENGLISH.findall(without_names("thé wórds but not these here")) == ["but not these here"]
    assert pseudo("see [[term:rank|the rank]] in {{n:,.1f}} $a + e$") == "séé [[term:rank|thé ránk]] ín {{n:,.1f}} $a + e$"
    script = "import streamlit as st\nst.button('Save')\nwith st.expander('Óné'): st.write('but not these here')\n"
    assert english(AppTest.from_string(script).run()) == {"Save": "Save", "but not these here": "but not these here"}
