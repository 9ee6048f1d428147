"""Pictures: what a scene weighs, what it costs at the server, how fast it answers in Chromium, and whether contexts leak."""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from plotly.utils import PlotlyJSONEncoder

from lessons.gallery import EXHIBITS
from lessons.stage.scene import payload
from tests.bench.row import Row
from tests.conftest import FLAGS, ROOT, serve
from tests.stage.synthetic import synthetic
from viz.delta_scene import draw_delta_scene, get_delta_scene_info
from viz.label import truth_label

MOVES, CHANGES = 12, 200
COUNT_CONTEXTS = """
    const seen = window.__contexts = new Set(), get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        const context = get.call(this, kind, ...rest);
        if (/webgl/.test(kind) && context) seen.add(context);
        return context;
    };"""
LIVE = "() => [...window.__contexts].filter((gl) => !gl.isContextLost()).length"
READ_PIXELS = """
    window.__read = 0;
    const read = WebGLRenderingContext.prototype.readPixels;
    WebGLRenderingContext.prototype.readPixels = function (...rest) {
        const began = performance.now();
        read.apply(this, rest);
        window.__read += performance.now() - began;
    };"""
"""Plotly reads a pixel back after each drawing, for what lies under the pointer; the wait for it is the rasterisation."""
READ_INSIDE = """() => {
    const react = Plotly.react;
    Plotly.react = async (...rest) => {
        const before = window.__read, drawn = await react(...rest);
        window.__readInside = window.__read - before;
        return drawn;
    };
}"""
MARK = "(name) => performance.getEntriesByType('mark').find((mark) => mark.name.startsWith(name))?.startTime"


def measure() -> Iterator[Row]:
    """Rows: payloads, building a figure, one update of the rank at two sizes, a page's still and live scene, contexts."""
    sizes = {exhibit.key: _compressed(scene, exhibit.key) for exhibit in EXHIBITS if (scene := exhibit.make())}
    largest = max(sizes, key=lambda key: sizes[key])
    yield Row(f"largest payload of {len(sizes)} scenes ({largest}), compressed", f"{sizes[largest] / 1000:.0f} KB", "goal <= 400 KB")
    yield Row("figure of ΔW built at the server", f"{_build_ms():.0f} ms", "goal <= 30 ms")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        process, address = serve(Path(__file__).with_name("scenes_app.py"), Path(scratch), {})
        for size, goal in ((64, 30), (192, 60)):
            yield Row(
                f"script time of one rank update, {size} x {size}, median",
                f"{_update_ms(chromium, address, size):.0f} ms",
                f"goal <= {goal} ms",
            )
        process.terminate()
        (Path(scratch) / "app").mkdir()
        process, address = serve(ROOT / "app.py", Path(scratch) / "app", {})
        yield from _page(chromium, address)
        process.terminate()


def _compressed(scene: Any, key: str) -> int:
    return len(gzip.compress(json.dumps(payload(scene, key), cls=PlotlyJSONEncoder).encode()))


def _build_ms() -> float:
    info = get_delta_scene_info(**synthetic(0, 576, 1536), matrix="m", label=truth_label("illustration"))
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        draw_delta_scene(info).to_plotly_json()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def _update_ms(chromium: Any, address: str, size: int) -> float:
    """Let go after each move, so that the whole mesh is drawn and not the coarse one. Milliseconds without the rasterisation."""
    page = chromium.new_page(viewport={"width": 900, "height": 900})
    page.add_init_script(READ_PIXELS)
    page.goto(f"{address}/?size={size}")
    page.wait_for_selector(".dl-stage[data-state=ready]", timeout=60_000)
    page.evaluate(READ_INSIDE)
    slider, times = page.get_by_role("slider", name="Directions kept"), []
    for move in range(MOVES):
        wanted = str(8 - move % 7)
        slider.evaluate(
            "(s, k) => { s.value = k; for (const kind of ['input', 'change']) s.dispatchEvent(new Event(kind, {bubbles: true})) }", wanted
        )
        page.wait_for_selector(f".dl-stage[data-rank='{wanted}'][data-mesh=whole]")
        rasterised = page.evaluate("() => window.__readInside")
        times.append(float(page.locator(".dl-stage").get_attribute("data-script-ms")) - rasterised)
    page.close()
    return statistics.median(times)


def _page(chromium: Any, address: str) -> Iterator[Row]:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(COUNT_CONTEXTS)
    page.goto(f"{address}/start")
    lesson, start = (page.locator(f"[data-testid=stSidebarNavLink][href$='/{path}']") for path in ("lora", "start"))
    lesson.wait_for(timeout=60_000)
    for visit in ("the first click of a session", "a later click"):
        page.evaluate("() => performance.clearMarks()")
        began = page.evaluate("() => performance.now()")
        lesson.click()
        page.wait_for_selector(".dl-stage[data-state=ready]", timeout=60_000)
        still, live = ((page.evaluate(MARK, name) - began) / 1000 for name in ("dl-still", "dl-live"))
        yield Row(f"{visit} to the still of the LoRA lesson's scene", f"{still:.2f} s", "goal <= 1 s")
        yield Row(f"{visit} to its live scene", f"{live:.2f} s", "goal <= 6 s on software rendering")
        start.click()
        page.wait_for_function("() => !document.querySelector('.dl-stage')", timeout=60_000)
    for _ in range(CHANGES // 2):
        lesson.click()
        page.wait_for_selector(".dl-stage[data-state=ready]", timeout=60_000)
        start.click()
        page.wait_for_function("() => !document.querySelector('.dl-stage')", timeout=60_000)
    yield Row(f"WebGL contexts after {CHANGES} page changes", str(page.evaluate(LIVE)), "goal <= 4")
    page.close()
