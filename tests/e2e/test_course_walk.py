"""Every lesson as a learner walks it, from the first word to the quiz, live on a nano model where the lesson has a task for one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from lessons.arc import PARTS
from lessons.catalog import LESSONS
from lessons.text import label

pytestmark = pytest.mark.e2e
PAGE_MS = 60_000
RUN_MS = 150_000
NANO = "model=nano-0.5m&steps=20&seed=21&eval-every=0"
LIVE = {"full-fine-tuning": NANO, "lora": NANO, "qlora": NANO, "prompt-and-prefix": f"{NANO}&virtual-tokens=5"}
"""Lessons whose method has a task for nano models -> settings of a short run."""


def settled(page: Page) -> None:
    """The page's script has ended."""
    page.wait_for_function("!document.querySelector('[data-testid=stApp][data-test-script-state=running]')", timeout=PAGE_MS)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path)
def test_a_lesson_from_first_word_to_quiz(page: Page, app_server, model_home, lesson):
    page.set_default_timeout(PAGE_MS)
    page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/{lesson.path}?{LIVE.get(lesson.path, '')}")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PAGE_MS)
    settled(page)
    for part in PARTS:
        expect(page.get_by_role("heading", name=label(f"parts.{part}"), level=2, exact=True)).to_be_visible(timeout=PAGE_MS)
    commit = page.get_by_role("button", name=label("predict.commit"))
    if commit.count():
        commit.first.click()
        expect(page.get_by_text(re.compile(r"You said \d+ of \d+"))).to_be_visible()
    if lesson.path in LIVE:
        page.get_by_role("button", name=re.compile("^Run it")).first.click()
        expect(page.get_by_text(re.compile(r"^Done in \d+ s"))).to_be_visible(timeout=RUN_MS)
        expect(page.get_by_text(re.compile(r"It was \d+ of \d+"))).to_be_visible()
    boxes = page.locator("[class*='st-key-belief-']")
    expect(boxes.first).to_be_visible()
    assert boxes.count() >= 2
    diagnose(page)
    tip(page)
    quiz = page.locator("[class*='st-key-quiz-box-']").first
    quiz.get_by_role("button").first.click()
    expect(quiz.get_by_text(re.compile("your choice|Not quite|wrong|right", re.I)).first).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert not page.problems


def diagnose(page: Page) -> None:
    """Name causes until one is right."""
    causes = page.locator("[class*='st-key-fault-0'] [role=radiogroup] label")
    for place in range(causes.count()):
        causes.nth(place).click()
        settled(page)
        if page.locator("[class*='st-key-fault-0']").get_by_text(label("clinic.right"), exact=True).count():
            return
    pytest.fail("no cause was right")


def tip(page: Page) -> None:
    """A term explains itself to the keyboard, and hides again."""
    term = page.locator(".dl-term").first
    if not term.count():
        return
    meaning = page.locator(".dl-tip").first
    expect(meaning).to_be_hidden()
    term.focus()
    expect(meaning).to_be_visible()
    term.blur()
    expect(meaning).to_be_hidden()


def test_progress_is_kept_over_a_reload(page: Page, app_server, model_home):
    page.set_default_timeout(PAGE_MS)
    address = app_server(DELTALAB_HOME=str(model_home))
    page.goto(f"{address}/full-fine-tuning")
    settled(page)
    page.get_by_role("button", name=label("predict.commit")).click()
    expect(page.get_by_text(re.compile(r"You said \d+ of \d+"))).to_be_visible()
    page.goto(f"{address}/full-fine-tuning")
    expect(page.get_by_text(re.compile(r"\d of 9 parts done"))).to_be_visible()
    page.goto(f"{address}/record")
    expect(page.get_by_role("heading", name="Your record", level=1)).to_be_visible()
    expect(page.get_by_text(re.compile(r"[1-9] of 9")).first).to_be_visible()
    page.get_by_text(label("record.sure")).click()
    page.get_by_role("button", name=label("record.erase")).click()
    expect(page.get_by_text(re.compile(r"Parts done: 0 of 81"))).to_be_visible()
    assert not page.problems
