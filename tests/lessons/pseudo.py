"""A pseudo-language for the course: every vowel of what its files hold gets an accent, so that what is left plain comes from code."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import pytest
import streamlit as st

import lessons.text as texts
import viz.words as chart_words
from engine.planner.explain import explain
from engine.recorded.scenes import SceneData, find_scene
from lessons.panels import memory
from lessons.stage import method_scenes
from quizzes import bank

ACCENTS = str.maketrans("aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ")
KEPT = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`|\{\{[^}]*\}\}|\[\[[^|\]]+\||\]\([^)]*\)|:\w+\[|:material/\w+:|:small\[|:gray\[", re.DOTALL
)
NOT_WORDS = {"page", "next", "key", "task", "change"}
"""Names in a lesson's own tables whose values are addresses and settings."""
NOT_WORDS_OF_A_QUESTION = {"id", "lesson", "kind", "key", "answer", "unit", "value", "part", "page", "language", "run", "draw", "misconception", "style", "y"}  # fmt: skip
SAID_BY_MODELS = {"samples", "tokens", "token", "nearest", "labels"}
"""Names in recorded data under which stands what a model or its tokenizer says."""
QUESTIONS = bank.questions()


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


def speak(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Until the generator goes on, every text of the course and of its questions is in the pseudo-language."""
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
