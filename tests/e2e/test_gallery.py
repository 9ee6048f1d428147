"""The gallery in a real browser: nothing overlaps on a narrow page in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from viz.colours import DARK

pytestmark = pytest.mark.e2e
PAINT_MS = 60_000


def stage_of(page, key: str):
    return page.locator(f".st-key-exhibit-{key} .dl-stage")


def test_narrow_and_dark(browser, app_server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{app_server()}/gallery")
    stage = stage_of(page, "city")
    stage.scroll_into_view_if_needed()
    expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert DARK.trainable in stage.locator(".dl-plot").evaluate("(plot) => plot.data[0].facecolor")
    boxes = [stage.locator(part).bounding_box() for part in (".dl-picture", ".dl-foot")]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"] + 1, "the buttons stand under the picture"
    context.close()
