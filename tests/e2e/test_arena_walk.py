"""The arena as a learner uses it: choose by key, see who it was, come back; and meet a run of one's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from lessons.text import label, say
from tests.axe import serious
from tests.conftest import watched
from tests.e2e.settled import PAGE_MS, settle

pytestmark = pytest.mark.e2e
RUN_MS = 120_000


def arena(page: Page, address: str, query: str = "") -> Page:
    page.set_default_timeout(PAGE_MS)
    page.goto(f"{address}/arena?{query}")
    expect(page.get_by_role("heading", name=say("arena", "play.title"))).to_be_visible(timeout=PAGE_MS)
    settle(page)
    return page


def test_a_round_by_key_and_again_after_a_reload(page: Page, app_server, model_home):
    arena(page, app_server(DELTALAB_HOME=str(model_home)))
    answers = page.locator("[class*=st-key-arena-answer-]")
    expect(answers.first).not_to_contain_text("LoRA")
    page.keyboard.press("1")
    expect(answers.first).to_contain_text(say("arena", "play.yours"))
    expect(answers.filter(has_text="QLoRA")).to_contain_text(say("arena", "said.style"))
    table = page.get_by_role("button", name="Show as a table").first
    table.press("Enter")
    expect(page.get_by_role("table").filter(has_text="mean")).to_be_visible()
    expect(page.get_by_text(say("arena", "play.round", round=1, rounds=32))).to_be_visible()  # a key does one thing
    page.keyboard.press("n")
    expect(page.get_by_text(say("arena", "play.round", round=2, rounds=32))).to_be_visible()
    expect(page).to_have_url(re.compile("round=2"))
    page.keyboard.press("p")
    expect(answers.first).to_contain_text(say("arena", "play.yours"))
    page.reload()
    settle(page)
    expect(answers.first).to_contain_text(say("arena", "play.yours"))
    page.get_by_role("button", name=say("arena", "tally.anew")).click()
    expect(page.get_by_text(say("arena", "tally.none"))).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert page.problems == []


def test_narrow_and_dark_the_answers_stand_below_each_other(browser, app_server, model_home):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = arena(watched(context.new_page()), app_server(DELTALAB_HOME=str(model_home)), "runs=full,prompt&round=2")
    page.get_by_role("button", name=say("arena", "play.none")).click()
    expect(page.get_by_role("alert").filter(has_text="The scorer sees it differently")).to_be_visible()
    boxes = [box.bounding_box() for box in page.locator("[class*=st-key-arena-answer-]").all()]
    assert len(boxes) == 2 and boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert all(box["width"] > 300 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == [] and page.problems == []
    context.close()


def test_an_own_run_goes_from_its_lesson_into_the_arena(page: Page, app_server, model_home):
    address = app_server(DELTALAB_HOME=str(model_home))
    page.set_default_timeout(PAGE_MS)
    page.goto(f"{address}/choosing")
    expect(page.get_by_role("link", name=label("arc.next", title="Arena"))).to_be_visible()
    page.goto(f"{address}/lora?model=nano-0.5m&steps=6&seed=41&eval-every=0")
    settle(page)
    page.get_by_role("button", name=re.compile("^Run it")).first.click()
    page.get_by_role("link", name=say("arena", "field.compare")).click(timeout=RUN_MS)
    expect(page.get_by_role("heading", name="Arena", level=1)).to_be_visible()
    expect(page.get_by_role("columnheader", name="LoRA (yours)")).to_be_visible()
    expect(page).to_have_url(re.compile("model=nano-0.5m"))
    expect(page.get_by_test_id("stAlert")).to_have_count(0)  # the link is right
    page.goto(f"{address}/runs")
    page.get_by_role("link", name=say("arena", "field.compare")).first.click()
    expect(page.get_by_role("columnheader", name="LoRA (yours)")).to_be_visible()
    assert page.problems == []
