"""Pages that are left take their WebGL contexts with them: 20 changes here, 200 in `python -m tests.bench scenes`."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.bench.scenes import COUNT_CONTEXTS, LIVE

pytestmark = pytest.mark.e2e
APP = Path(__file__).with_name("pages_app.py")
PAINT_MS = 60_000
CHANGES = 20


def test_contexts_go_with_their_page(page: Page, app_server) -> None:
    page.add_init_script(COUNT_CONTEXTS)
    page.goto(app_server(APP))
    stage, nothing = page.locator(".dl-stage"), page.get_by_text("No picture here.")
    scene, words = (page.get_by_test_id("stSidebarNavLink").filter(has_text=name) for name in ("Scene", "Words"))
    expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    for _ in range(CHANGES // 2):
        words.click()
        expect(nothing).to_be_visible(timeout=PAINT_MS)
        expect(stage).to_have_count(0, timeout=PAINT_MS)
        assert page.evaluate(LIVE) == 0
        scene.click()
        expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
        assert page.evaluate(LIVE) == 1
    assert page.evaluate("() => window.__contexts.size") > CHANGES // 2, "each visit had a context of its own"

    # One that is left before its scene was drawn leaves nothing behind either.
    words.click()
    expect(stage).to_have_count(0, timeout=PAINT_MS)
    scene.click()
    expect(stage).to_have_count(1, timeout=PAINT_MS)
    words.click()
    expect(stage).to_have_count(0, timeout=PAINT_MS)
    scene.click()
    expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    assert page.evaluate(LIVE) == 1, "drawings take turns: the one that was left had its turn before this one"
    words.click()
    expect(stage).to_have_count(0, timeout=PAINT_MS)
    assert page.evaluate(LIVE) == 0
    assert page.problems == []
