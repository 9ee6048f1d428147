"""The course's words: short before the next thing to do, plain, and explained; every box has its source and every case its cause."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import product

import pytest

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.tasks import TASKS
from engine.contracts import RunSpec, SpecError
from engine.planner.claims import claims
from lessons import arc
from lessons.catalog import LESSONS, existing
from lessons.lesson import View
from lessons.panels.beliefs import of_lesson
from lessons.panels.clinic import broken_spec, faults
from lessons.panels.measured import measured
from lessons.text import FOLDER, fill, glossary, label, table
from tests.lessons.prose import files, grade, plain, words

MOST_WORDS = 200
HIGHEST_GRADE = 11.0
ENOUGH_WORDS = 40
"""A file with fewer says too little to be measured; a lesson's files are measured together as well."""
THERE = [page for page in LESSONS if page in existing()]


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_at_most_200_words_before_the_next_thing_to_do(path):
    assert len(words(plain(path.read_text("utf-8")))) <= MOST_WORDS


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_reading_level(path):
    text = plain(path.read_text("utf-8"))
    if len(words(text)) >= ENOUGH_WORDS:
        assert grade(text) <= HIGHEST_GRADE


def test_reading_level_is_measured():
    assert grade("The cat sat. It was a mat.") < 2
    hard = "Notwithstanding considerable institutional heterogeneity, organizational interdependencies characterize administration."
    assert grade(hard) > 20


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_words_that_talk_down_are_not_used(path):
    assert not re.search(r"\b(simply|obviously|trivial|trivially|of course)\b", path.read_text("utf-8"), re.I)


def test_terms_are_explained_once_a_lesson_and_each_is_used():
    used = {}
    for folder in {path.parent for path in files()}:
        found = [key for path in folder.glob("*.md") for key in re.findall(r"\[\[term:(\w+)\|", path.read_text("utf-8"))]
        alternatives = {path.stem for path in folder.glob("*-nano.md")}
        if not alternatives:
            assert len(found) == len(set(found)), f"{folder.name}: {[key for key in found if found.count(key) > 1]}"
        used[folder.name] = set(found)
    assert set().union(*used.values()) <= set(glossary())
    assert 60 <= len(glossary()) <= 90


@pytest.mark.parametrize("page", THERE, ids=lambda page: page.path)
def test_a_lesson_has_its_words_boxes_and_cases(page):
    folder = FOLDER / page.path
    assert {"lead", "predict", "idea", "see", "run", "code"} <= {path.stem for path in folder.glob("*.md")}
    boxes = of_lesson(page.path)
    assert len(boxes) >= 2 and all(re.search(r"\d{4}|course", box.paper) for box in boxes)
    cases = faults(page.path)
    assert cases and all(sum(bool(cause.get("right")) for cause in case.causes) == 1 for case in cases)
    assert all(len(cause["feedback"]) > 20 for case in cases for cause in case.causes)


@pytest.mark.parametrize("page", THERE, ids=lambda page: page.path)
def test_every_number_of_a_box_is_recorded_or_the_page_s(page):
    lesson = import_module(f"lessons.{page.module}").LESSON
    known = {**measured(), **lesson.numbers(View(None, None, None, None, None))}
    for box in of_lesson(page.path):
        assert all(label("text.no_number") not in fill(text, **known) for text in (box.believed, box.true, box.measured))


@pytest.mark.parametrize("page", THERE, ids=lambda page: page.path)
def test_a_lesson_has_a_box_with_what_was_measured(page):
    assert any(box.measured for box in of_lesson(page.path))


def test_the_words_of_every_claim_of_the_calculator_are_there():
    assert {claim.id.replace(".", "_") for claim in claims()} == set(table("claims"))


def test_every_text_has_a_heading_for_its_part():
    assert set(table("labels")["parts"]) == set(arc.PARTS)


def test_a_term_is_reached_by_keyboard_and_read_with_its_meaning():
    html = fill("[[term:rank|directions]]")
    assert 'tabindex="0"' in html and 'aria-describedby="dl-tip-rank"' in html and 'id="dl-tip-rank"' in html
    assert "directions</dfn>" in html and glossary()["rank"].says in html
    with pytest.raises(KeyError, match="nothing is not in the glossary"):
        fill("[[term:nothing|x]]")


@pytest.mark.parametrize("page", THERE, ids=lambda page: page.path)
def test_what_breaks_a_run_is_a_run(page):
    """Every change goes with a cell of the page, and wherever it makes a spec, that spec can be trained."""
    lesson = import_module(f"lessons.{page.module}").LESSON
    cells = product(("smollm2-135m-instruct", "nano-0.5m"), lesson.tasks or TASKS, lesson.methods, lesson.objectives)
    defaults = [spec for cell in cells if (spec := _spec(*cell))]
    for case in faults(page.path):
        fitting = [spec for spec in defaults if case.task in ("", spec.task)] if case.change else []
        broken = [made for spec in fitting if (made := broken_spec(spec, case))]
        assert broken or not case.change
        for spec in broken:
            check(spec)


def _spec(model: str, task: str, method: str, objective: str) -> RunSpec | None:
    try:
        spec = default_spec(model, task, method, objective=objective)
        check(spec)
        return spec
    except SpecError:
        return None
