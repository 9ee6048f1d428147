"""The gallery in a real browser: camera and rank stay where they were left, and nothing overlaps on a narrow page in the dark."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from lessons.gallery import EXHIBITS
from tests.conftest import watched
from tests.e2e.settled import reach, settle
from viz.colours import DARK

pytestmark = pytest.mark.e2e
PAINT_MS = 60_000
EYE = "(plot) => Object.values(plot._fullLayout.scene._scene.getCamera().eye)"
KEPT = "(key) => JSON.parse(sessionStorage.getItem(`deltalab.stage.${key}`) ?? '{}')"


LEAST, LEAST_OF_LINES = 0.05, 0.01
"""Share of a picture, its title left out, that is drawn on. Thin lines and dots cover less than surfaces and bars."""
LINES = {"soft", "ends", "frontier", "choosing", "spectrum", "loss", "reward"}
TITLE_PX = 56
# What lies over or across the picture: other parts of the stage and of the page, by their boxes and by what a pointer meets.
OVER = """(stage) => {
    const box = stage.querySelector('.dl-picture').getBoundingClientRect(), found = [];
    const near = [...stage.children, stage.closest('[class*=st-key-exhibit-]').querySelector('h2'), ...stage.querySelectorAll('button')];
    for (const node of near) {
        const other = node.getBoundingClientRect();
        const apart = other.top >= box.bottom - 1 || other.bottom <= box.top + 1 || other.left >= box.right || other.right <= box.left;
        if (other.height && !apart && !node.matches('.dl-picture')) found.push(node.className || node.textContent);
    }
    for (let i = 1; i < 6; i++) for (let j = 1; j < 6; j++) {
        const met = document.elementFromPoint(box.x + (box.width * j) / 6, box.y + (box.height * i) / 6);
        if (!met?.closest('.dl-picture')) found.push(`a ${met?.tagName} of ${met?.className}`);
    }
    const title = stage.querySelector('.gtitle')?.getBoundingClientRect();
    if (title && (title.left < box.left || title.right > box.right)) found.push('its own title, cut off');
    return found;
}"""


IN_SIGHT_DRAWN = """() => [...document.querySelectorAll('.dl-stage')].every((stage) => {
    const {top, bottom} = stage.getBoundingClientRect();
    return bottom < 0 || top > innerHeight || !['still', 'loading'].includes(stage.dataset.state);
})"""


def stage_of(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-exhibit-{key} .dl-stage")


def come_alive(stage: Locator) -> None:
    """Scroll there, and wait until it is drawn in 3D: only those in sight are."""
    stage.evaluate("(stage) => stage.scrollIntoView({block: 'center', behavior: 'instant'})", timeout=PAINT_MS)
    expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    stage.page.wait_for_function(IN_SIGHT_DRAWN, timeout=PAINT_MS)  # a first drawing beside it would hold up the pointer


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_every_exhibit_fills_its_picture_and_nothing_lies_over_it(browser, app_server, width: int, height: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    page = watched(context.new_page())
    page.goto(f"{app_server()}/gallery")
    shares, over = {}, {}
    for exhibit in EXHIBITS:
        stage = stage_of(page, exhibit.key)
        come_alive(stage)
        shares[exhibit.key] = drawn_on(stage.locator(".dl-picture").screenshot())
        over[exhibit.key] = stage.evaluate(OVER)
    assert {key: share for key, share in shares.items() if share < (LEAST_OF_LINES if key in LINES else LEAST)} == {}
    assert {key: found for key, found in over.items() if found} == {}
    assert page.problems == []
    context.close()


def drawn_on(png: bytes) -> float:
    """Share of the pixels under the title that differ from the commonest colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[TITLE_PX:]
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return float((np.abs(pixels - colours[counts.argmax()]).max(axis=2) > 16).mean())


def test_narrow_and_dark(browser, app_server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{app_server()}/gallery")
    stage = stage_of(page, "city")
    come_alive(stage)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert DARK.trainable in stage.locator(".dl-plot").evaluate("(plot) => plot.data[0].facecolor")
    boxes = [stage.locator(part).bounding_box() for part in (".dl-picture", ".dl-foot")]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"] + 1, "the buttons stand under the picture"
    context.close()


def test_camera_and_rank_stay_as_they_were_left(page: Page, app_server) -> None:
    page.goto(f"{app_server()}/gallery")
    stage, plot = stage_of(page, "delta"), stage_of(page, "delta").locator(".dl-plot")
    come_alive(stage)
    start = plot.evaluate(EYE)

    # Turn it with the pointer: kept once the pointer is up.
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 90, box["y"] + box["height"] / 2 + 20, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => ({KEPT})('gallery-delta').camera", timeout=PAINT_MS)
    turned = list(page.evaluate(KEPT, "gallery-delta")["camera"]["eye"].values())
    assert turned != pytest.approx(start, abs=0.05)

    # Cut the rank by the keyboard; letting go reruns the page.
    rank = stage.get_by_role("slider", name="Directions kept")
    reach(page, rank).press("Home")
    expect(stage).to_have_attribute("data-rank", "1", timeout=PAINT_MS)
    page.wait_for_function(f"() => ({KEPT})('gallery-delta').rank === 1", timeout=PAINT_MS)
    settle(page)
    assert plot.evaluate(EYE) == pytest.approx(turned, abs=1e-3)
    expect(rank).to_have_value("1")

    # The keyboard gets on to the next scenes, and plays one.
    playback = stage_of(page, "playback")
    reach(page, playback.get_by_role("slider", name="Step")).press("Home")
    reach(page, playback.get_by_role("button", name="Step on")).press("Enter")
    expect(playback).to_have_attribute("data-frame", "1", timeout=PAINT_MS)

    # And so they are after a reload.
    page.reload()
    come_alive(stage)
    expect(stage).to_have_attribute("data-rank", "1")
    assert plot.evaluate(EYE) == pytest.approx(turned, abs=1e-3)
    assert page.problems == []
