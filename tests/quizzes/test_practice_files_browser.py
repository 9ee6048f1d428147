"""Files in and out in a real browser: a teacher's pack and a learner's history; and what a screen reader gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.axe import serious

pytestmark = pytest.mark.e2e
SLOW_MS = 30_000
PACK = """[pack]
name = "my-class"
title = "My class"

[[question]]
id = "first"
kind = "choice"
stem = "Which factor of an adapter starts at zero?"
source = "Hu et al. 2021"
[[question.option]]
text = "B"
correct = true
feedback = "Yes, so that the product is zero."
[[question.option]]
text = "A"
feedback = "A starts at random values."
"""


def upload(page, label: str, name: str, content: str) -> None:
    page.get_by_label(label).locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content.encode()}
    )
    expect(page.get_by_text(name).first).to_be_visible(timeout=SLOW_MS)


def test_a_pack_is_refused_with_its_line_added_and_removed(page, app_server) -> None:
    page.goto(f"{app_server()}/practice?view=own-questions")
    expect(page.get_by_text("Questions of your own")).to_be_visible(timeout=SLOW_MS)
    upload(page, "Add a pack", "faulty.toml", PACK.replace("correct = true\n", ""))
    page.get_by_role("button", name="Check and add").click()
    expect(page.get_by_text("faulty.toml, line 10: 0 options are correct")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    upload(page, "Add a pack", "good.toml", PACK)
    page.get_by_role("button", name="Check and add").click()
    expect(page.get_by_text("1 questions of “My class” are in.")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Remove")).to_have_count(0, timeout=SLOW_MS)
    assert page.problems == []


def test_a_history_moves_to_another_browser(page, browser, app_server, tmp_path: Path) -> None:
    address = app_server()
    page.goto(f"{address}/practice")
    page.get_by_label("Say it in your own words").fill("low rank", timeout=SLOW_MS)
    page.get_by_role("button", name="Compare with a model answer").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Next question")).to_be_visible(timeout=SLOW_MS)
    page.goto(f"{address}/practice?view=history")
    with page.expect_download() as caught:
        page.get_by_role("button", name="History (JSON)").click(timeout=SLOW_MS)
    file = tmp_path / "history.json"
    caught.value.save_as(file)
    assert len(json.loads(file.read_text("utf-8"))["answers"]) == 2
    other = browser.new_context().new_page()
    other.goto(f"{address}/practice?view=history")
    expect(other.get_by_text("0 rows are stored")).to_be_visible(timeout=SLOW_MS)
    upload(other, "Bring a history", "history.json", file.read_text("utf-8"))
    other.get_by_role("button", name="Add its answers").click()
    expect(other.get_by_text("2 answers added")).to_be_visible(timeout=SLOW_MS)
    other.goto(f"{address}/practice")
    expect(other.get_by_text("1 of 8 questions today")).to_be_visible(timeout=SLOW_MS)
    other.context.close()


@pytest.mark.parametrize("view", ["today", "progress", "take-along"])
def test_no_serious_finding_of_axe_in_the_practice_page(page, app_server, view) -> None:
    page.goto(f"{app_server()}/practice?view={view}")
    expect(page.get_by_role("heading", name="Practice")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("radiogroup", name="What to show")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("button").last).to_be_visible(timeout=SLOW_MS)
    if view == "progress":
        expect(page.locator(".dl-stage[data-state=ready], .dl-stage[data-state=empty]")).to_have_count(4, timeout=SLOW_MS)
    assert serious(page, ".stMain") == []
