"""The course can be translated: shown in a language with an accent on every vowel, no plain English is left on any page.

Pictures are looked at as the browser gets them: titles, axes, legends, notes, what is said under the pointer and read out, tables,
names of downloads, and the words of the buttons round them.

Not looked at: names and notes of models and tasks in the catalogue, what models said, and code. English still stands in the
engine's errors and notes, which other programs print too (in `engine/planner` the formulas and sources of terms, what a change
costs, and measured groups), in what is wrong with a file that was uploaded (`quizzes`), and in files for other programs
(`quizzes/export`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

import lessons.text as texts
import viz.words as chart_words
from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.doctor import tell
from engine.planner.answer import answer
from engine.planner.catalogue import model_ids
from engine.planner.claims import claims
from engine.planner.explain import explain
from engine.planner.hardware import gpus
from engine.planner.options import read_options
from engine.planner.ways import combination, ways
from engine.recorded import recordings
from engine.recorded.scenes import SceneData, find_scene
from engine.store import predictions, progress
from lessons.catalog import LESSONS, find
from lessons.gallery import EXHIBITS
from lessons.panels import current, memory, planner_accuracy
from lessons.panels.dials import Cell, parse_link
from lessons.panels.planner_ask import START
from lessons.panels.question_forms import number_problem
from lessons.planner import SECTIONS
from lessons.practice import VIEWS
from lessons.preference import NANO
from lessons.stage import FRONTEND, method_scenes
from lessons.stage import page as stage_page
from quizzes import bank, units
from quizzes.answers import Answer
from quizzes.schema import Match, Number, Order, Pick, Recall
from quizzes.stored import StoreLog
from tests.quizzes.hands import LEARNER, one_question

ROOT = Path(__file__).parents[2]
ACCENTS = str.maketrans("aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ")
KEPT = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`|\{\{[^}]*\}\}|\[\[[^|\]]+\||\]\([^)]*\)|:\w+\[|:material/\w+:|:small\[|:gray\[", re.DOTALL
)
NOT_WORDS = {"page", "next", "key", "task", "change"}
"""Names in a lesson's own tables whose values are addresses and settings."""
NOT_WORDS_OF_A_QUESTION = {"id", "lesson", "kind", "key", "answer", "unit", "value", "part", "page", "language", "run", "draw", "misconception", "style", "y"}  # fmt: skip
ENGLISH = re.compile(r"\b[a-z]{2,}(?: [a-z]{2,}){2,}\b")
"""Three plain words in a row."""
PLAIN = re.compile(r"\b[A-Z]?[a-z]{2,}\b")
VOWEL = re.compile("[aeiouy]")
HEADINGS = ("title", "header", "subheader")
SENTENCES = ("markdown", "caption", "info", "success", "warning", "error")
CHOICES = ("radio", "button_group")
SAID_BY_MODELS = {"samples", "tokens", "token", "nearest", "labels"}
"""Names in recorded data under which stands what a model or its tokenizer says."""
NOT_READ = {
    "type", "mode", "meta", "legendgroup", "family", "symbol", "shape", "dash", "fill", "hoverinfo", "hoveron", "orientation", "textposition",
    "anchor", "side", "align", "xanchor", "yanchor", "xref", "yref", "barmode", "hovermode", "dragmode", "aspectmode",
    "tickmode", "rangemode", "autorange", "exponentformat", "traceorder", "fillmode", "ticks", "dtype", "bdata", "scaleanchor", "kind", "key", "recolour",
    "plotly", "scales", "left", "right", "b", "a", "uid", "file",
}  # fmt: skip
"""Fields of a picture that hold settings, colours and numbers."""
PATH = re.compile(r"\b\w+(?:\.\w+){2,}|%\{[^}]*\}|\{\{\w+\}\}")
"""A module of a model, such as model.layers.2.mlp, and what plotly and the stage fill in themselves."""
NAMES = re.compile(
    r"(?<![\w-])(?:" + "|".join(
        re.escape(name) for name in sorted({*MODELS, *TASKS, *model_ids(), *(name.split("/")[-1] for name in model_ids())}, key=len, reverse=True)
    ) + r")(?![\w-])"
)  # fmt: skip
QUESTIONS = bank.questions()
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}|^[\"`][A-Z][a-z]+[\"`]$")
"""In a script: two words in a row, or one that begins as the name of a button does."""
SHOWN_OF_AN_ANSWER = 120
KINDS = {question.kind: question for question in reversed(QUESTIONS.values())}


def pseudo(text: str) -> str:
    """Every vowel gets an accent; formulas, code, names in markup and addresses stay."""
    pieces, end = [], 0
    for kept in KEPT.finditer(text):
        pieces += [text[end : kept.start()].translate(ACCENTS), kept[0]]
        end = kept.end()
    return "".join([*pieces, text[end:].translate(ACCENTS)])


def pseudo_table(value: Any, kept: Collection[str] = ()) -> Any:
    """A table whose texts are in the pseudo-language, all but those under the names in `kept`."""
    if isinstance(value, dict):
        return {name: item if name in kept else pseudo_table(item, kept) for name, item in value.items()}
    if isinstance(value, list):
        return [pseudo_table(item, kept) for item in value]
    return pseudo(value) if isinstance(value, str) else value


def pseudo_question(value: Any, key: str = "") -> Any:
    """A question of the bank, or a part of one, in the pseudo-language: its files are translated as those of the lessons are."""
    if key in NOT_WORDS_OF_A_QUESTION:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: pseudo_question(getattr(value, field.name), field.name) for field in fields(value)})
    if isinstance(value, tuple):
        return tuple(pseudo_question(item, key) for item in value)
    return pseudo(value) if isinstance(value, str) else value


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


def without_names(shown: str, known: Sequence[str] = ()) -> str:
    """What a page shows, without names, the catalogue's notes, what models said, markup and what is `known`."""
    notes = {card.note for card in (*MODELS.values(), *TASKS.values())}
    for note in (*known, *sorted(notes, key=len, reverse=True)):
        shown = shown.replace(note, "|")
    for named in (*TASKS.values(), *MODELS.values()):
        shown = shown.replace(named.title, "")
    shown = NAMES.sub(" | ", PATH.sub(" | ", shown))
    shown = re.sub(r'<style>.*?</style>|<th scope="row">.*?</th>|<td[^>]*>.*?(?=<span|</td>)', " | ", shown, flags=re.DOTALL)
    return re.sub(r"<[^>]*>|\]\([^)]*\)|\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`", " | ", shown, flags=re.DOTALL)


@pytest.fixture
def in_pseudo_language(monkeypatch, tmp_path):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    read, table, words = texts.read, texts.table, pseudo_table(chart_words.table())
    everywhere(monkeypatch, read, lambda lesson, part: pseudo(read(lesson, part)))
    everywhere(monkeypatch, table, cache(lambda name: pseudo_table(table(name), NOT_WORDS if "/" in name else ())))
    monkeypatch.setattr(chart_words, "table", lambda: words)
    everywhere(monkeypatch, find_scene, lambda name: said(find_scene(name)))
    left = method_scenes._left
    monkeypatch.setattr(method_scenes, "_left", lambda folder: said_by_models(left(folder)))
    monkeypatch.setattr(memory, "explain", lambda found: [term._replace(formula=pseudo(term.formula)) for term in explain(found)])
    monkeypatch.setattr("lessons.lesson.quiz", lambda *args, **kwargs: None)
    questions = {name: pseudo_question(question) for name, question in QUESTIONS.items()}
    ideas = {name: bank.Misconception(name, pseudo(idea.name), pseudo(idea.truth)) for name, idea in bank.misconceptions().items()}
    packs = tuple(replace(pack, title=pseudo(pack.title)) for pack in bank.packs())
    monkeypatch.setattr(bank, "questions", lambda: questions)
    monkeypatch.setattr(bank, "misconceptions", lambda: ideas)
    monkeypatch.setattr(bank, "packs", lambda: packs)
    forget()
    yield
    forget()


def everywhere(monkeypatch: pytest.MonkeyPatch, function: Callable, other: Callable) -> None:
    """In each module of the lessons that has imported it."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "lessons":
            for attribute in [key for key, value in vars(module).items() if value is function]:
                monkeypatch.setattr(module, attribute, other)


def forget() -> None:
    """Pictures and tables that are kept hold words; the component is registered once a process."""
    st.cache_resource.clear()
    for name, module in list(sys.modules.items()):
        if name.startswith("lessons.") and name != "lessons.stage":
            for value in list(vars(module).values()):
                getattr(value, "cache_clear", lambda: None)()


def said(found: SceneData | None) -> SceneData | None:
    return found and found._replace(about=said_by_models(found.about))


def said_by_models(value: Any, name: str = "") -> Any:
    """Recorded data in which a model, too, speaks the pseudo-language, so that what is left in English comes from the code."""
    if isinstance(value, dict):
        return {key: said_by_models(item, key if key in SAID_BY_MODELS else name) for key, item in value.items()}
    if isinstance(value, list):
        return [said_by_models(item, name) for item in value]
    return pseudo(value) if isinstance(value, str) and name else value


def show(path: str, query: dict[str, str] | None = None, **state: object) -> AppTest:
    test = AppTest.from_string(f"from lessons.{find(path).module} import page; page()", default_timeout=60)
    for name, value in (query or {}).items():
        test.query_params[name] = value
    for name, chosen in state.items():
        test.session_state[name.replace("_", "-")] = chosen
    return test.run()


def elements(block: Block) -> Iterator:
    """Everything on a page, what is folded away included."""
    for node in block.children.values():
        yield node
        if isinstance(node, Block):
            yield from elements(node)


def drawn(value: Any) -> Iterator[str]:
    """Every text of a picture, as the stage gets it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in NOT_READ:
                yield from drawn(item)
    elif isinstance(value, list):
        for item in value:
            yield from drawn(item)
    elif isinstance(value, str) and not value.startswith(("#", "rgba(")):
        yield value


def pictures(node) -> list[str]:
    """The texts of the picture that an element is."""
    if node.type != "bidi_component" or "deltalab_stage" not in node.proto.component_name:
        return []
    return list(drawn(json.loads(node.proto.json)))


def long_texts(node) -> list[str]:
    """What an element says in sentences."""
    told = [node.value] if node.type in SENTENCES else [node.proto.body] if node.type == "html" else []
    told += [node.proto.text] if node.type == "progress" else []
    return told + [text for name in ("help", "placeholder") if isinstance(text := getattr(node.proto, name, ""), str)]


def short_texts(node) -> list[str]:
    """What an element is called: a heading, the name of something to use, what there is to choose, or a column."""
    told = [node.value] if node.type in HEADINGS else []
    told += [str(name) for name in node.value.columns] if node.type == "dataframe" else []
    told += [str(option) for option in node.options] if node.type in CHOICES else []
    if node.type == "markdown" and node.value.startswith("| "):
        told.append(node.value.split("\n")[0])
    return [*told, *pictures(node), str(getattr(node, "label", "")), str(getattr(getattr(node.proto, "popover", None), "label", ""))]


def english(test: AppTest, known: Sequence[str] = ()) -> dict[str, str]:
    """Plain English -> what it stands in, over all that a page shows."""
    assert not test.exception
    found = {}
    for node in elements(test.main):
        short, long = short_texts(node), long_texts(node)
        found |= {words: text[:80] for text in (*short, *long) for words in ENGLISH.findall(without_names(text, known))}
        found |= {word: text[:80] for text in short for word in PLAIN.findall(without_names(text, known)) if VOWEL.search(word)}
    return found


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


# The tools


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
