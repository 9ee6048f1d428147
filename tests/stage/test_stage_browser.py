"""The stage in a real browser: the rank moves without a rerun, the camera stays, and there is another way to each number."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e
APP = Path(__file__).with_name("stage_app.py")
FRAME = Path(__file__).with_name("frame_app.py")
PAINT_MS = 30_000
"""3D on software rendering takes seconds."""

CAMERA = "() => document.querySelector('.dl-plot')._fullLayout.scene._scene.getCamera().eye"
PEAK = """() => { const z = document.querySelector('.dl-plot').data.find((t) => t.meta === 'ΔW').z;
                  return Math.max(...z.map((row) => Math.max(...Array.from(row, Math.abs)))) }"""


@pytest.fixture
def stage_page(page, app_server):
    page.goto(app_server(APP))
    expect(page.locator(".dl-stage[data-state=ready]")).to_be_visible(timeout=PAINT_MS)
    yield page
    assert page.problems == []


def drawn(page, rank: int) -> None:
    expect(page.locator(f".dl-stage[data-rank='{rank}']")).to_be_visible(timeout=PAINT_MS)


def test_the_canvas_is_painted_and_large(stage_page) -> None:
    canvas = stage_page.locator(".dl-plot canvas").first
    box = canvas.bounding_box()
    assert box["width"] > 400 and box["height"] > 300
    colours = stage_page.evaluate(
        """async () => { const url = await Plotly.toImage(document.querySelector('.dl-plot'), {format: 'png', width: 300, height: 240});
            const image = new Image(); image.src = url; await image.decode();
            const canvas = document.createElement('canvas'); canvas.width = 300; canvas.height = 240;
            const paint = canvas.getContext('2d', {willReadFrequently: true}); paint.drawImage(image, 0, 0);
            return new Set(new Uint32Array(paint.getImageData(0, 0, 300, 240).data.buffer)).size }"""
    )
    assert colours > 500, "a picture of a surface has many shades"


def test_rank_rebuilds_in_the_browser_and_reruns_only_on_release(stage_page) -> None:
    slider = stage_page.get_by_role("slider", name="Directions kept")
    expect(slider).to_have_value("8")
    whole = stage_page.evaluate(PEAK)
    slider.evaluate("(s) => { s.value = 2; s.dispatchEvent(new Event('input', {bubbles: true})) }")
    drawn(stage_page, 2)
    expect(stage_page.get_by_text("runs 1, data 0")).to_be_visible()
    assert stage_page.evaluate(PEAK) != whole
    slider.evaluate("(s) => s.dispatchEvent(new Event('change', {bubbles: true}))")
    expect(stage_page.get_by_text("rank 2;")).to_be_visible()


def test_keyboard_moves_the_rank_and_the_camera(stage_page) -> None:
    slider = stage_page.get_by_role("slider", name="Directions kept")
    slider.focus()
    slider.press("ArrowLeft")
    drawn(stage_page, 7)
    expect(slider).to_have_attribute("aria-valuetext", "7 of 8 directions, 99.5% of the energy")
    before = stage_page.evaluate(CAMERA)
    stage_page.get_by_role("img", name="The change ΔW").press("ArrowRight")
    stage_page.wait_for_function(f"(x) => Math.abs(({CAMERA})().x - x) > 0.01", arg=before["x"])


def test_camera_and_rank_survive_a_rerun_with_new_data_and_a_reload(stage_page) -> None:
    stage_page.evaluate("() => Plotly.relayout(document.querySelector('.dl-plot'), {'scene.camera': {eye: {x: -1.1, y: -0.9, z: 0.8}}})")
    slider = stage_page.get_by_role("slider", name="Directions kept")
    slider.focus()
    slider.press("Home")
    expect(stage_page.get_by_text("rank 1; camera kept")).to_be_visible(timeout=PAINT_MS)
    peak = stage_page.evaluate(PEAK)
    stage_page.get_by_role("button", name="New data").click()
    expect(stage_page.get_by_text("data 1")).to_be_visible()
    stage_page.wait_for_function(f"(old) => Math.abs(({PEAK})() - old) > 1e-6", arg=peak)
    expect(slider).to_have_value("1")
    assert stage_page.evaluate(CAMERA)["x"] == pytest.approx(-1.1, abs=1e-3)
    stage_page.reload()
    drawn(stage_page, 1)
    assert stage_page.evaluate(CAMERA)["x"] == pytest.approx(-1.1, abs=1e-3)


def test_table_csv_and_png_hold_the_picture(stage_page) -> None:
    expect(stage_page.get_by_role("table")).to_have_count(0)
    stage_page.get_by_role("button", name="Show as a table").click()
    expect(stage_page.get_by_role("table", name="Singular values of ΔW").get_by_role("row")).to_have_count(9)
    with stage_page.expect_download() as saved:
        stage_page.get_by_role("button", name="CSV").click()
    text = Path(saved.value.path()).read_text("utf-8")
    assert text.startswith("# ΔW layer 15 · q_proj; illustration · 22 Nov 2026 · seed 0")
    assert len([line for line in text.splitlines() if line.count(",") == 96]) == 97
    with stage_page.expect_download() as saved:
        stage_page.get_by_role("button", name="PNG").click()
    assert Path(saved.value.path()).read_bytes()[:4] == b"\x89PNG"


def test_empty_says_what_to_do(stage_page) -> None:
    stage_page.get_by_text("Empty", exact=True).click()
    expect(stage_page.get_by_text("Press Run to see your own ΔW here.")).to_be_visible()
    stage_page.get_by_text("Empty", exact=True).click()
    drawn(stage_page, 8)


def test_without_webgl_the_scene_is_flat(page, app_server) -> None:
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return /webgl/.test(kind) ? null : get.call(this, kind, ...rest) }"
    )
    page.goto(app_server(APP))
    drawn(page, 8)
    kinds = page.evaluate("() => document.querySelector('.dl-plot').data.map((t) => [t.type, t.meta])")
    assert kinds == [["heatmap", "B"], ["heatmap", "A"], ["heatmap", "ΔW"]]
    assert page.problems == []


@pytest.mark.parametrize("width", [1440, 390])
def test_stage_stays_beside_or_above_its_part(page, app_server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(app_server(FRAME))
    drawn(page, 8)
    stage = page.locator(".dl-stage")
    see = page.get_by_role("heading", name="See", level=2)
    if width == 1440:
        page.get_by_role("heading", name="Code", level=2).scroll_into_view_if_needed()
        expect(stage).to_be_in_viewport(ratio=0.9)
        assert stage.bounding_box()["x"] > see.bounding_box()["x"] + 400
    else:
        assert stage.bounding_box()["y"] + stage.bounding_box()["height"] <= see.bounding_box()["y"]
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.problems == []


def test_the_browser_keeps_its_learner(page, app_server) -> None:
    page.goto(app_server(FRAME))
    shown = page.get_by_text("learner ")
    expect(shown).to_contain_text(r"learner ")
    page.wait_for_function("() => /deltalab_learner=[0-9a-f]{32}/.test(document.cookie)")
    cookie = next(c for c in page.context.cookies() if c["name"] == "deltalab_learner")
    assert cookie["sameSite"] == "Lax"
    expect(shown).to_have_text(f"learner {cookie['value']}")
    page.reload()
    expect(shown).to_have_text(f"learner {cookie['value']}")
