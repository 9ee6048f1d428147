"""The stage in a real browser: the rank moves without a rerun, the camera stays, and there is another way to each number.

3D takes seconds on software rendering, so tests share loaded pages where one leaves the page as the next expects it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.axe import serious
from tests.stage.synthetic import synthetic

pytestmark = pytest.mark.e2e
APP = Path(__file__).with_name("stage_app.py")
FRAME = Path(__file__).with_name("frame_app.py")
PAINT_MS = 30_000

EYE = "() => document.querySelector('.dl-plot')._fullLayout.scene._scene.getCamera().eye"
PEAK = """() => { const z = document.querySelector('.dl-plot').data.find((t) => t.meta === 'ΔW').z;
                  return Math.max(...z.map((row) => Math.max(...Array.from(row, Math.abs)))) }"""
SHADES = """async () => {
    const image = new Image();
    image.src = await Plotly.toImage(document.querySelector('.dl-plot'), {format: 'png', width: 300, height: 240});
    await image.decode();
    const canvas = new OffscreenCanvas(300, 240), paint = canvas.getContext('2d', {willReadFrequently: true});
    paint.drawImage(image, 0, 0);
    return new Set(new Uint32Array(paint.getImageData(0, 0, 300, 240).data.buffer)).size }"""


@pytest.fixture
def stage_page(page, app_server):
    page.set_viewport_size({"width": 760, "height": 900})
    page.goto(app_server(APP))
    drawn(page, 8)
    yield page
    assert page.problems == []


def drawn(page, rank: int) -> None:
    expect(page.locator(f".dl-stage[data-rank='{rank}']")).to_be_visible(timeout=PAINT_MS)


def test_rank_camera_and_keyboard(stage_page) -> None:
    box = stage_page.locator(".dl-plot canvas").first.bounding_box()
    assert box["width"] > 400 and box["height"] > 300
    assert stage_page.evaluate(SHADES) > 500, "a picture of a surface has many shades"

    # The rank rebuilds ΔW in the browser; Python hears of it on release only.
    slider = stage_page.get_by_role("slider", name="Directions kept")
    expect(slider).to_have_value("8")
    whole = stage_page.evaluate(PEAK)
    slider.evaluate("(s) => { s.value = 2; s.dispatchEvent(new Event('input', {bubbles: true})) }")
    drawn(stage_page, 2)
    assert stage_page.evaluate(PEAK) != whole
    expect(stage_page.get_by_text("runs 1, data 0")).to_be_visible()
    slider.evaluate("(s) => s.dispatchEvent(new Event('change', {bubbles: true}))")
    expect(stage_page.get_by_text("rank 2; camera untouched")).to_be_visible(timeout=PAINT_MS)

    # Keys move both.
    slider.press("ArrowRight")
    drawn(stage_page, 3)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^3 of 8 directions, \d\d% of the energy$"))
    picture = stage_page.get_by_role("img", name="The change ΔW")
    picture.press("ArrowRight")
    expect(stage_page.get_by_text("rank 3; camera kept")).to_be_visible(timeout=PAINT_MS)
    eye = stage_page.evaluate(EYE)

    # New data under the same key leave camera and rank alone; so does a reload.
    peak = stage_page.evaluate(PEAK)
    stage_page.get_by_role("button", name="New data").click()
    stage_page.wait_for_function(f"(old) => Math.abs(({PEAK})() - old) > 1e-6", arg=peak)
    expect(slider).to_have_value("3")
    assert stage_page.evaluate(EYE) == pytest.approx(eye, abs=1e-3)
    stage_page.reload()
    drawn(stage_page, 3)
    assert stage_page.evaluate(EYE) == pytest.approx(eye, abs=1e-3)


def test_table_downloads_and_empty_state(stage_page) -> None:
    expect(stage_page.get_by_role("table")).to_have_count(0)
    stage_page.get_by_role("button", name="Show as a table").click()
    assert serious(stage_page, ".dl-stage") == []
    expect(stage_page.get_by_role("table", name="Singular values of ΔW").get_by_role("row")).to_have_count(9)
    with stage_page.expect_download() as saved:
        stage_page.get_by_role("button", name="CSV").click()
    assert Path(saved.value.path()).read_text("utf-8").startswith("# ΔW layer 15 · q_proj; illustration · 22 Nov 2026 · seed 0")
    with stage_page.expect_download() as saved:
        stage_page.get_by_role("button", name="PNG").click()
    assert Path(saved.value.path()).read_bytes()[:4] == b"\x89PNG"

    stage_page.get_by_text("Empty", exact=True).click()
    expect(stage_page.get_by_text("Press Run to see your own ΔW here.")).to_be_visible()
    expect(stage_page.get_by_role("slider")).to_have_count(0)
    expect(stage_page.locator(".dl-plot canvas")).to_have_count(0)
    stage_page.get_by_text("Empty", exact=True).click()
    expect(stage_page.locator(".dl-stage[data-state=ready]")).to_be_visible(timeout=PAINT_MS)
    assert stage_page.evaluate(SHADES) > 500


def test_one_cell_is_its_row_of_b_times_its_column_of_a(stage_page) -> None:
    stage_page.get_by_role("button", name="One cell").press("Enter")
    parts = synthetic(0)
    whole = parts["b"] @ parts["a"]
    words = stage_page.locator(".dl-cell-words")
    row, column = (stage_page.get_by_label(name, exact=True) for name in ("Row", "Column"))
    i, j = int(row.input_value()), int(column.input_value())
    assert abs(whole[i, j]) == pytest.approx(np.abs(whole[::2, ::2]).max(), rel=1e-4), "the first cell is the largest shown"
    column.fill("101")
    column.press("Enter")
    expect(column).to_have_value(re.compile("100|102"))
    j = int(column.input_value())
    expect(words).to_contain_text(f"row {i} of B times column {j} of A: 8 products")
    terms = [float(term) for term in re.findall(r"[+-][\d.]+(?:e-?\d+)?", words.inner_text().replace("−", "-"))]
    np.testing.assert_allclose(terms[:-1], parts["b"][i] * parts["a"][:, j], rtol=6e-3)
    assert terms[-1] == pytest.approx(whole[i, j], rel=6e-3)

    # What is left out at full rank is nothing.
    stage_page.get_by_role("button", name="What is left out").click()
    stage_page.wait_for_function(f"() => ({PEAK})() < 1e-5")
    stage_page.get_by_role("button", name="What is left out").click()
    stage_page.get_by_role("button", name="One cell").click()
    expect(words).to_be_hidden()


def test_without_webgl_and_full_screen_the_scene_is_flat_and_has_all_else(page, app_server) -> None:
    page.add_init_script(
        "delete Element.prototype.requestFullscreen; Object.defineProperty(Document.prototype, 'fullscreenEnabled', {value: false});"
    )
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return /webgl/.test(kind) ? null : get.call(this, kind, ...rest) }"
    )
    page.goto(app_server(APP))
    drawn(page, 8)
    kinds = page.evaluate("() => document.querySelector('.dl-plot').data.map((t) => [t.type, t.meta])")
    assert kinds == [["heatmap", "B"], ["heatmap", "A"], ["heatmap", "ΔW"]]
    page.get_by_role("slider", name="Directions kept").press("Home")
    drawn(page, 1)

    # Full fine-tuning beside it and one cell are there too; what cannot work is not offered.
    expect(page.get_by_role("button", name=re.compile("Flat view|Reset view|Full screen"))).to_have_count(0)
    plot = page.locator(".dl-plot")
    for name in ("Full ΔW beside", "One cell"):
        page.get_by_role("button", name=name).click()
    page.wait_for_function("(plot) => plot.data.length === 7", arg=plot.element_handle())
    whole, full, point = (plot.evaluate(f"(plot) => ({{...plot.data[{n}], z: undefined}})") for n in (2, 3, 6))
    assert (full["meta"], full["zmax"]) == ("full", whole["zmax"]), "both at one scale"
    row, column = (int(page.get_by_label(name, exact=True).input_value()) for name in ("Row", "Column"))
    assert (point["x"], point["y"]) == ([column], [row])

    # A projector's large type needs no full screen.
    size = "(plot) => plot._fullLayout.title.font.size"
    before = plot.evaluate(size)
    page.get_by_role("button", name="Projector").click()
    page.wait_for_function(f"([plot, before]) => ({size})(plot) === before * 1.5", arg=[plot.element_handle(), before])
    assert page.problems == []


def test_frame_holds_the_stage_beside_or_above_its_part_and_keeps_the_learner(page, app_server) -> None:
    page.goto(app_server(FRAME))
    shown = page.get_by_test_id("stCaptionContainer").filter(has_text="learner")
    page.wait_for_function("() => /deltalab_learner=[0-9a-f]{32}/.test(document.cookie)")
    cookie = next(c for c in page.context.cookies() if c["name"] == "deltalab_learner")
    assert cookie["sameSite"] == "Lax"
    expect(shown).to_have_text(f"learner {cookie['value']}")

    drawn(page, 8)
    stage, see = page.locator(".dl-stage"), page.get_by_role("heading", name="See", level=2)
    page.get_by_role("heading", name="Code", level=2).scroll_into_view_if_needed()
    expect(stage).to_be_in_viewport(ratio=0.9)
    assert stage.bounding_box()["x"] > see.bounding_box()["x"] + 400

    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(shown).to_have_text(f"learner {cookie['value']}")
    drawn(page, 8)
    assert stage.bounding_box()["y"] + stage.bounding_box()["height"] <= see.bounding_box()["y"]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.problems == []
