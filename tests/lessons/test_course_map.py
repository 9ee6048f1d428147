"""docs/course.md: every topic's page, part, run, claim and questions are there; and so are the places that questions point at."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from engine.contracts import CELLS
from engine.planner.claims import claims
from lessons.arc import PARTS
from lessons.catalog import LESSONS, Page, existing, find
from lessons.panels.code import ROOT, source
from lessons.panels.dial_list import DIALS
from quizzes import bank

LINES = (ROOT / "docs" / "course.md").read_text("utf-8").splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ") and not line.startswith("| topic")]
QUESTIONS = list(bank.questions().values())
IDS = {claim.id for claim in claims()}
SETTINGS = {"model", "task", "method", "objective", *(dial.link for dial in DIALS)}


def lesson_of(page: Page):
    return import_module(f"lessons.{page.module}").LESSON


def check_place(address: str) -> Page:
    """The page of an address; its part and its settings must be there."""
    parts = urlsplit(address)
    page = find(parts.path.strip("/"))
    assert page in existing(), f"{address}: no such page yet"
    if page.group == "lessons":
        assert not parts.fragment or parts.fragment in PARTS, address
        assert {name for name, _ in parse_qsl(parts.query)} <= SETTINGS, address
    return page


def test_the_map_has_every_lesson_and_enough_topics():
    assert {find(row[1].split("#")[0].strip("/")).path for row in ROWS} == {page.path for page in LESSONS}
    assert len(ROWS) >= 60 and all(len(row) == 5 for row in ROWS)
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_topic_has_its_place_run_claim_and_questions(row):
    _, where, run, claimed, asked = row
    assert where.count("#") == 1
    page = check_place(where)
    if run:
        assert run.endswith("#run")
        home, query = check_place(run), dict(parse_qsl(urlsplit(run).query))
        lesson = lesson_of(home)
        method, objective = query.get("method", lesson.methods[0]), query.get("objective", lesson.objectives[0])
        assert method in lesson.methods and objective in lesson.objectives and method in CELLS[objective]
    for claim in filter(None, claimed.split(", ")):
        assert claim in IDS and claim in lesson_of(page).claims, claim
    for question in filter(None, asked.split(", ")):
        assert question in bank.questions(), question


def test_every_lesson_s_questions_are_asked_for_by_some_topic():
    asked = {question for row in ROWS for question in row[4].split(", ")}
    for page in LESSONS:
        mine = {question.id for question in bank.of_lesson(page.path)}
        assert len(mine & asked) >= 3, page.path


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_points_at_a_part_that_is_there(question):
    check_place(f"{question.page}#{question.part}")
    if question.run and find(urlsplit(question.run).path.strip("/")) in existing():
        check_place(question.run)


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.path)
def test_the_code_that_a_page_shows_is_there_or_still_to_come(page):
    for file, name in lesson_of(page).code.values():
        if (ROOT / file).exists():
            assert source(file, name)


def test_prose_links_lead_somewhere():
    import re

    for path in sorted(Path(ROOT / "lessons" / "text").rglob("*.md")):
        for address in re.findall(r"\]\((/[^)]*)\)", path.read_text("utf-8")):
            check_place(address)
