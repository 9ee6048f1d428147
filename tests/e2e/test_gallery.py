"""The gallery in a real browser: camera and rank stay, keys are enough, and nothing overlaps on a narrow page in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from viz.colours import DARK

pytestmark = pytest.mark.e2e
PAINT_MS = 60_000
EYE = "(plot) => { const {x, y, z} = plot._fullLayout.scene._scene.getCamera().eye; return [x, y, z] }"


def stage_of(page, key: str):
    return page.locator(f".st-key-exhibit-{key} .dl-stage")


def test_camera_and_rank_stay_over_reruns_and_reloads(page, app_server) -> None:
    page.goto(f"{app_server()}/gallery")
    stage = stage_of(page, "delta")
    stage.scroll_into_view_if_needed()
    expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    plot, slider = stage.locator(".dl-plot"), stage.get_by_role("slider", name="Directions kept")
    before = plot.evaluate(EYE)
    box = plot.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 120, middle[1] + 30, steps=4)
    page.mouse.up()
    page.wait_for_function(f"([plot, old]) => Math.abs(({EYE})(plot)[0] - old) > 0.05", arg=[plot.element_handle(), before[0]])
    turned = plot.evaluate(EYE)
    slider.press("Home")
    slider.press("ArrowRight")
    expect(stage).to_have_attribute("data-rank", "2")  # letting go of the key reruns the page
    expect(stage.locator(".dl-rank-value")).to_contain_text("2 of 8")
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')")
    assert plot.evaluate(EYE) == pytest.approx(turned, abs=0.02)
    page.reload()
    expect(stage).to_have_attribute("data-rank", "2", timeout=PAINT_MS)
    assert plot.evaluate(EYE) == pytest.approx(turned, abs=0.02)

    # The full ΔW beside it, by keyboard, at the same scale.
    stage.get_by_role("button", name="Full ΔW beside").press("Enter")
    page.wait_for_function("(plot) => plot.data.some((trace) => trace.meta === 'full')", arg=plot.element_handle())
    assert page.problems == []


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
