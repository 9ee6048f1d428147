"""Scenes with frames and linked words in a real browser; many of them on one page; and all of it without WebGL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.axe import serious

pytestmark = pytest.mark.e2e
APP = Path(__file__).with_name("scenes_app.py")
PAINT_MS = 60_000
NO_WEBGL = (
    "const get = HTMLCanvasElement.prototype.getContext;"
    "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return /webgl/.test(kind) ? null : get.call(this, kind, ...rest) }"
)
OPACITY = "(plot) => plot.data.map((trace) => trace.opacity ?? 1)"
SHADES = """(canvas) => { const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                          return new Set(new Uint32Array(data.buffer)).size }"""
# A corner of the data through plotly's own matrices and through the still's lens: both in pixels of the picture.
SAME_PLACE = """async (plot) => {
    const scripts = performance.getEntriesByType('resource').map((entry) => entry.name);
    const {lens} = await import(scripts.find((name) => /still\\.js/.test(name)));
    const {_scene: scene} = plot._fullLayout.scene, {model, view, projection} = scene.glplot.cameraParams;
    const {l, t, w, h} = plot._fullLayout._size, apply = (m, v) => [0, 1, 2, 3].map((i) => m[i] * v[0] + m[i + 4] * v[1] + m[i + 8] * v[2] + m[i + 12] * v[3]);
    const see = lens(plot, scene.getCamera(), {x: l, y: t, width: w, height: h});
    return [[0, 0, -1.5], [31, 23, 1.5], [31, 0, 0]].map((corner) => {
        const [x, y, , by] = apply(projection, apply(view, apply(model, [...corner.map((v, i) => v * scene.dataScale[i]), 1]))), mine = see(...corner);
        return Math.hypot(mine.x - (l + w * (x / by + 1) / 2), mine.y - (t + h * (1 - y / by) / 2));
    }) }"""


def test_frames_words_and_contexts(page, app_server) -> None:
    page.set_viewport_size({"width": 900, "height": 900})
    page.goto(app_server(APP))
    first, last = page.locator(".dl-stage").first, page.locator(".dl-stage").last
    expect(first).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    expect(last).to_have_attribute("data-state", "still", timeout=PAINT_MS)  # nobody has come near it yet
    for place in (1, 2, 3, 0):
        page.locator(".dl-stage").nth(place).scroll_into_view_if_needed()
        expect(page.locator(".dl-stage").nth(place)).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    expect(page.locator(".dl-stage[data-state=ready]")).to_have_count(4, timeout=PAINT_MS)
    expect(page.locator(".dl-stage[data-state=still]")).to_have_count(2, timeout=PAINT_MS)
    assert last.locator("canvas.dl-still").evaluate(SHADES) > 100, "a stage that waits shows its still"
    assert max(first.locator(".dl-plot").evaluate(SAME_PLACE)) < 1.5, "the still has plotly's camera"

    # A word lights its part; keys and clicks hold it; a word without a part in the picture is plain text.
    plot, word = first.locator(".dl-plot"), page.get_by_role("button", name="path", exact=True)
    page.get_by_role("button", name="ground", exact=True).hover()
    page.wait_for_function("(plot) => plot.data[1].opacity < 0.2", arg=plot.element_handle())
    assert plot.evaluate(OPACITY)[0] == 1
    word.focus()
    page.wait_for_function("(plot) => plot.data[0].opacity < 0.2", arg=plot.element_handle())
    word.press("Enter")
    expect(word).to_have_attribute("aria-pressed", "true")
    word.press("Enter")
    word.blur()
    page.mouse.move(0, 0)
    page.wait_for_function("(plot) => plot.data.every((trace) => (trace.opacity ?? 1) === 1)", arg=plot.element_handle())
    expect(page.get_by_role("button", name="this", exact=True)).to_have_count(0)

    # Frames by keys alone.
    slider = first.get_by_role("slider", name="Step")
    slider.press("End")
    expect(first).to_have_attribute("data-frame", "5")
    expect(slider).to_have_attribute("aria-valuetext", "step 5")
    first.get_by_role("button", name="Step back").press("Enter")
    expect(first).to_have_attribute("data-frame", "4")
    slider.press("Home")
    first.get_by_label("Speed").select_option("fourfold")
    first.get_by_role("button", name="Play").press("Enter")
    expect(first.get_by_role("button", name="Pause")).to_be_visible()
    expect(first).to_have_attribute("data-frame", "5", timeout=PAINT_MS)
    expect(first.get_by_role("button", name="Play")).to_be_visible()

    # Scrolled to, the last one comes alive, and another gives its place up.
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    assert (
        page.locator(".dl-plot canvas").count() <= 4 * page.locator(".dl-stage[data-state=ready] .dl-plot").first.locator("canvas").count()
    )
    expect(page.locator(".dl-stage[data-state=ready]")).to_have_count(4)
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stElementContainer]')].every((e) => getComputedStyle(e).opacity === '1')"
    )
    assert serious(page, ".dl-stage") == []
    assert page.problems == []


def test_projector_has_large_type_and_fills_the_screen(page, app_server) -> None:
    page.goto(app_server(APP))
    first = page.locator(".dl-stage").first
    expect(first).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    size = "(plot) => plot._fullLayout.title.font.size"
    before = first.locator(".dl-plot").evaluate(size)
    first.get_by_role("button", name="Projector").click()
    page.wait_for_function("() => document.fullscreenElement?.matches('.dl-stage')")
    page.wait_for_function(f"([plot, before]) => ({size})(plot) === before * 1.5", arg=[first.locator(".dl-plot").element_handle(), before])
    assert first.evaluate("(s) => s.clientWidth === innerWidth && s.querySelector('.dl-picture').clientHeight > innerHeight / 3")
    first.get_by_role("button", name="Projector").click()
    expect(first).not_to_have_attribute("data-projector", "on")
    page.wait_for_function("() => !document.fullscreenElement")
    assert page.problems == []


def test_without_webgl_scenes_are_stills_that_still_answer(page, app_server) -> None:
    page.add_init_script(NO_WEBGL)
    page.goto(app_server(APP))
    first = page.locator(".dl-stage").first
    expect(first).to_have_attribute("data-state", "still", timeout=PAINT_MS)
    canvas = first.locator("canvas.dl-still")
    assert canvas.evaluate(SHADES) > 100
    expect(first.get_by_text("A surface of 24 by 32 cells")).to_be_visible()
    before = canvas.evaluate("(c) => c.toDataURL()")
    first.get_by_role("slider", name="Step").press("End")
    expect(first).to_have_attribute("data-frame", "5")
    grown = canvas.evaluate("(c) => c.toDataURL()")
    first.get_by_role("img").press("ArrowRight")
    page.wait_for_function("([c, old]) => c.toDataURL() !== old", arg=[canvas.element_handle(), grown])
    assert grown != before
    with page.expect_download() as saved:
        first.get_by_role("button", name="PNG").click()
    assert Path(saved.value.path()).read_bytes()[:4] == b"\x89PNG"
    expect(first.get_by_role("button", name=re.compile("Flat view|One cell"))).to_have_count(0)
    assert page.problems == []
