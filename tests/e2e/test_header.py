"""The row over a lesson's title, and the way back to where a learner stopped, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from lessons.text import label
from tests.e2e.settled import PAGE_MS, settle

pytestmark = pytest.mark.e2e
TYPE_PX = "parseFloat(getComputedStyle(document.documentElement).fontSize)"


def test_large_type_stays_on_and_goes_again(page: Page, app_server, model_home):
    page.set_default_timeout(PAGE_MS)
    page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/lora?model=nano-0.5m")
    settle(page)
    usual = page.evaluate(TYPE_PX)
    switch = page.locator(".st-key-projector")
    switch.get_by_text(label("arc.projector")).click()
    page.wait_for_function(f"{TYPE_PX} > {1.2 * usual}")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="QLoRA", exact=True).click()
    expect(page.get_by_role("heading", name="QLoRA", level=1)).to_be_visible()
    settle(page)
    assert page.evaluate(TYPE_PX) > 1.2 * usual, "a teacher sets it once"
    switch.get_by_text(label("arc.projector")).click()
    page.wait_for_function(f"{TYPE_PX} === {usual}")
    assert page.problems == []


def test_the_header_leads_to_the_runs_and_start_leads_back(page: Page, app_server, model_home):
    page.set_default_timeout(PAGE_MS)
    address = app_server(DELTALAB_HOME=str(model_home))
    page.goto(address)
    settle(page)
    on = page.get_by_test_id("stMain").get_by_role("link", name=label("progress.go_on", title="QLoRA"))
    expect(on).to_have_count(0)  # a new learner begins at the beginning
    page.goto(f"{address}/qlora?model=nano-0.5m")
    page.get_by_role("button", name=label("predict.commit")).click()
    expect(page.get_by_text(re.compile(r"You said \d+ of \d+"))).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name=re.compile(label("arc.runs"))).click()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    page.goto(address)
    on.click()
    expect(page.get_by_role("heading", name="QLoRA", level=1)).to_be_visible()
    assert page.problems == []
