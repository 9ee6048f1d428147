"""Every lesson as a learner walks it, from the first word to the quiz, live on a nano model where the lesson has a task for one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lessons.arc import PARTS
from lessons.catalog import LESSONS
from lessons.panels.clinic import faults
from lessons.text import label

pytestmark = pytest.mark.e2e
PAGE_MS = 60_000
RUN_MS = 500_000
NANO = "model=nano-0.5m&steps=12&seed=21&eval-every=0"
LIVE = {
    "full-fine-tuning": NANO,
    "lora": NANO,
    "qlora": NANO,
    "prompt-and-prefix": f"{NANO}&virtual-tokens=5",
    "frozen-head": NANO,
    "instruction-tuning": NANO,
    "rlhf-and-dpo": NANO,
}
"""Lessons whose method has a task for nano models -> settings of a short run."""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path)
def test_a_lesson_from_first_word_to_quiz(page: Page, app_server, model_home, lesson):
    page.set_default_timeout(PAGE_MS)
    page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/{lesson.path}?{LIVE.get(lesson.path, '')}")
    for part in PARTS:
        expect(page.get_by_role("heading", name=label(f"parts.{part}"), level=2, exact=True)).to_be_visible(timeout=PAGE_MS)
        expect(page.locator(f".st-key-part-{part}")).to_contain_text(re.compile(r"\w+\s+(\S+\s+){8}"))  # more than its heading
    predict(page)
    if lesson.path in LIVE:
        page.get_by_role("button", name=re.compile("^Run it")).first.click()
        expect(page.get_by_text(re.compile(r"^Done in \d+ s"))).to_be_visible(timeout=RUN_MS)
        expect(page.get_by_text(re.compile(r"It was \d+ of \d+"))).to_be_visible()
        expect(page.locator(".st-key-part-read").get_by_text("Your own run", exact=False).first).to_be_visible()
    expect(page.locator("[class*='st-key-belief-']").nth(1)).to_be_visible()
    diagnose(page, lesson.path)
    read_code(page)
    tip(page)
    answer(page)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert page.problems == []


def predict(page: Page) -> None:
    page.get_by_role("button", name=label("predict.commit")).click()
    expect(page.get_by_text(re.compile(r"You said \d+ of \d+"))).to_be_visible()


def diagnose(page: Page, lesson: str) -> None:
    """Break the first case that has a run; name each of its causes, the right one last, and mend it. Told in words, it is only named."""
    cases = faults(lesson)
    number = next((n for n, fault in enumerate(cases) if fault.change), 0) if lesson in LIVE else 0
    case, runs = page.locator(f".st-key-fault-{number}"), bool(cases[number].change) and lesson in LIVE
    found = case.get_by_text(label("clinic.found"))
    if runs:
        case.get_by_role("button", name=re.compile("^Run the broken one")).click()
        expect(found).to_have_count(1, timeout=RUN_MS)
    for cause in sorted(cases[number].causes, key=lambda cause: bool(cause.get("right"))):
        case.get_by_role("radio", name=cause["text"]).check(force=True)
        expect(case.get_by_test_id("stAlert")).to_contain_text(label("clinic.right" if cause.get("right") else "clinic.wrong"))
    if runs:
        case.get_by_role("button", name=re.compile("^Mend it")).click()
        expect(found).to_have_count(2, timeout=RUN_MS)


def read_code(page: Page) -> None:
    """A listing comes when its box is opened."""
    code = page.locator(".st-key-part-code")
    expect(code.get_by_test_id("stCode")).to_have_count(0)
    code.locator("summary").first.click()
    expect(code.get_by_test_id("stCode")).to_contain_text("def ")


def tip(page: Page) -> None:
    """A term explains itself to the keyboard, and hides again."""
    term, meaning = page.locator(".dl-term").first, page.locator(".dl-tip").first
    page.mouse.move(0, 0)
    expect(meaning).to_be_hidden()
    term.focus()
    expect(meaning).to_be_visible()
    term.blur()
    expect(meaning).to_be_hidden()


def answer(page: Page) -> None:
    """Answer the first question of the quiz, whatever its form."""
    box = page.locator("[class*='st-key-quiz-box-']").first
    box.locator("[class*='-option-'] button").first.click()
    check = box.get_by_role("button", name="Check")
    if check.count():
        check.click()
    expect(box.get_by_text(re.compile("your choice|Not yet")).first).to_be_visible()


def test_progress_is_kept_over_a_reload(page: Page, app_server, model_home):
    page.set_default_timeout(PAGE_MS)
    address = app_server(DELTALAB_HOME=str(model_home))
    page.goto(f"{address}/choosing")
    predict(page)
    page.goto(f"{address}/choosing")
    expect(page.get_by_text(re.compile(r"\d of 9 parts done"))).to_be_visible()
    page.goto(f"{address}/runs")
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    expect(page.locator(".dl-stage")).to_have_count(0)
    page.wait_for_function("() => window.Plotly")  # no picture here, and yet the next page's will find its library
    page.goto(f"{address}/record")
    expect(page.get_by_role("heading", name="Your record", level=1)).to_be_visible()
    expect(page.get_by_text(re.compile(r"[1-9] of 9")).first).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("button", name=label("record.export")).click()
    assert [row["page"] for row in json.loads(Path(taken.value.path()).read_text("utf-8"))["predictions"]] == ["choosing"]
    page.emulate_media(media="print")
    expect(page.locator(".st-key-not-on-paper")).to_be_hidden()
    expect(page.locator(".st-key-paper-summary")).to_be_visible()
    paper = page.pdf()
    assert paper.startswith(b"%PDF") and 1 <= len(re.findall(rb"/Type /Page\b", paper)) <= 3
    page.emulate_media(media="screen")
    page.get_by_text(label("record.sure")).click()
    page.get_by_role("button", name=label("record.erase")).click()
    expect(page.get_by_text(re.compile(r"Parts done: 0 of 81"))).to_be_visible()
    assert page.problems == []
