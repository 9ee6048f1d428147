"""Pictures: what a scene weighs, what it costs at the server, how fast it answers in Chromium, and whether contexts leak."""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from plotly.utils import PlotlyJSONEncoder

from lessons.catalog import find
from lessons.gallery import EXHIBITS
from lessons.stage.scene import payload
from lessons.text import label
from tests.bench.row import Row
from tests.conftest import FLAGS, ROOT, serve
from tests.stage.synthetic import synthetic
from viz.delta_scene import draw_delta_scene, get_delta_scene_info
from viz.label import truth_label

MOVES, CHANGES = 12, 200
COUNT_CONTEXTS = """
    const seen = window.__contexts = new Set(), known = new WeakSet(), get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        const context = get.call(this, kind, ...rest);
        if (/webgl/.test(kind) && context && !known.has(context)) { known.add(context); seen.add(new WeakRef(context)); }
        return context;
    };"""
LIVE = "() => [...window.__contexts].filter((gl) => gl.deref()?.isContextLost() === false).length"
READ_PIXELS = """
    window.__read = 0;
    const read = WebGLRenderingContext.prototype.readPixels;
    WebGLRenderingContext.prototype.readPixels = function (...rest) {
        const began = performance.now();
        read.apply(this, rest);
        window.__read += performance.now() - began;
    };"""
"""Plotly reads a pixel back after each drawing, for what lies under the pointer; the wait for it is the rasterisation."""
WATCH = """() => {
    const root = document.querySelector('.dl-stage'), scene = root.querySelector('.dl-plot')._fullLayout.scene._scene;
    window.__drawn = [];
    new MutationObserver(() => {
        const {rank, mesh, update, scriptMs} = root.dataset;
        window.__drawn.push({rank, mesh, update, ms: Number(scriptMs)});
    }).observe(root, {attributes: true, attributeFilter: ['data-draws']});
    const inside = (object, name) => {
        const act = object[name];
        object[name] = (...rest) => {
            const before = window.__read, done = act.apply(object, rest);
            window.__waited = window.__read - before; // in what is timed
            return done;
        };
    };
    inside(Plotly, 'react');
    inside(scene.glplot, 'redraw');
}"""
MOVE = """(slider, rank) => {
    slider.value = rank;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    // The other slider's release asks for the whole mesh, and tells Python nothing.
    slider.closest('.dl-stage').querySelector('.dl-frame-input').dispatchEvent(new Event('change', {bubbles: true}));
}"""
DONE = "(rank) => window.__drawn.some((one) => one.rank === rank && one.mesh === 'whole' && one.update === 'all')"
TEXT = """(last) => {
    const look = () => {
        const links = [...document.querySelectorAll('[data-testid=stPageLink]')];
        if (!links.some((link) => link.textContent.includes(last))) return requestAnimationFrame(look);
        requestAnimationFrame(() => performance.mark('bench-text'));
    };
    look();
}"""
"""Marks the frame in which the link to the next lesson is there, the last of a lesson's words."""
HEAP = "() => { window.gc?.(); return performance.memory.usedJSHeapSize / 1e6 }"
MARK = "(name) => performance.getEntriesByType('mark').find((mark) => mark.name.startsWith(name))?.startTime"


def measure() -> Iterator[Row]:
    """Rows: payloads, building a figure, one update of the rank at two sizes, a page's still and live scene, contexts."""
    sizes = {exhibit.key: _compressed(scene, exhibit.key) for exhibit in EXHIBITS if (scene := exhibit.make())}
    largest = max(sizes, key=lambda key: sizes[key])
    yield Row(f"largest payload of {len(sizes)} scenes ({largest}), compressed", f"{sizes[largest] / 1000:.0f} KB", "goal <= 400 KB")
    yield Row("figure of ΔW built at the server", f"{_build_ms():.0f} ms", "goal <= 30 ms")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*FLAGS, "--js-flags=--expose-gc", "--enable-precise-memory-info"]
        )
        process, address = serve(Path(__file__).with_name("scenes_app.py"), Path(scratch), {})
        for size, goal in ((64, 30), (192, 60)):
            moving, resting = _update_ms(chromium, address, size)
            yield Row(f"script time of one rank update while moving, {size} x {size}, median", f"{moving:.0f} ms", f"goal <= {goal} ms")
            yield Row(f"  plotly's full update at rest, {size} x {size}, median", f"{resting:.0f} ms", "no goal")
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


def _update_ms(chromium: Any, address: str, size: int) -> tuple[float, float]:
    """Milliseconds from the input event, without the rasterisation, for the whole mesh: while the rank moves, and at rest."""
    page = chromium.new_page(viewport={"width": 900, "height": 900})
    page.add_init_script(READ_PIXELS)
    page.goto(f"{address}/?size={size}")
    page.wait_for_selector(".dl-stage[data-state=ready]", timeout=60_000)
    page.evaluate(WATCH)
    slider = page.get_by_role("slider", name="Directions kept")
    times: dict[str, list[float]] = {"heights": [], "all": []}
    for move in range(MOVES):
        page.evaluate("() => { window.__drawn.length = 0; window.__waited = 0 }")
        slider.evaluate(MOVE, str(8 - (move + 1) % 7))
        page.wait_for_function(DONE, arg=str(8 - (move + 1) % 7), timeout=60_000)
        assert page.evaluate("() => window.__waited") == 0, "plotly waits for the rasterisation within what is timed"
        for drawn in page.evaluate("() => window.__drawn"):
            times[drawn["update"]].append(drawn["ms"])
    page.close()
    return statistics.median(times["heights"]), statistics.median(times["all"])


def _page(chromium: Any, address: str) -> Iterator[Row]:
    page = _open(chromium, address)
    yield from _visit(page, "a click as soon as there is a link, while the app still loads", goals=("no goal",) * 3)
    page.context.close()
    page = _open(chromium, address)
    page.wait_for_function("() => window.Plotly", timeout=60_000)  # which the first page fetches while it is read
    page.evaluate("() => new Promise(requestIdleCallback)")  # and who reads does not click in that very moment
    yield from _visit(page, "the first click of someone who read Start")
    yield from _visit(page, "a later click")
    lesson, start = _links(page)
    heap = page.evaluate(HEAP)
    for _ in range(CHANGES // 2):
        lesson.click()
        page.locator(".dl-stage[data-state=ready]").first.wait_for(
            timeout=60_000
        )  # a selector's handle would keep the page that it points to
        start.click()
        page.wait_for_function("() => !document.querySelector('.dl-stage')", timeout=60_000)
    yield Row(f"WebGL contexts after {CHANGES} page changes", str(page.evaluate(LIVE)), "goal <= 4")
    yield Row(f"JavaScript's memory before and after {CHANGES} page changes", f"{heap:.0f}, {page.evaluate(HEAP):.0f} MB", "no goal")
    page.close()


def _open(chromium: Any, address: str) -> Any:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(COUNT_CONTEXTS)
    page.goto(f"{address}/start")
    _links(page)[0].wait_for(timeout=60_000)
    return page


def _links(page: Any) -> tuple[Any, Any]:
    """To the LoRA lesson and to Start, in the rail."""
    lora, start = (page.locator(f"[data-testid=stSidebarNavLink][href$='/{path}']") for path in ("lora", "start"))
    return lora, start


def _visit(
    page: Any, visit: str, goals: Sequence[str] = ("goal <= 1 s", "goal <= 1 s", "goal <= 6 s on software rendering")
) -> Iterator[Row]:
    """From Start to the LoRA lesson and back."""
    lesson, start = _links(page)
    page.evaluate("() => performance.clearMarks()")
    page.evaluate(TEXT, label("arc.next", title=find("qlora").title))
    began = page.evaluate("() => performance.now()")
    lesson.click()
    page.wait_for_function(f"() => ({MARK})('dl-live lora-delta')", timeout=60_000)
    page.wait_for_function(f"() => ({MARK})('bench-text')", timeout=60_000)
    text, still, live = ((page.evaluate(MARK, name) - began) / 1000 for name in ("bench-text", "dl-still", "dl-live lora-delta"))
    yield Row(f"{visit} to all text of the LoRA lesson", f"{text:.2f} s", goals[0])
    yield Row(f"{visit} to the still of the LoRA lesson's scene", f"{still:.2f} s", goals[1])
    yield Row(f"{visit} to its live scene", f"{live:.2f} s", goals[2])
    start.click()
    page.wait_for_function("() => !document.querySelector('.dl-stage')", timeout=60_000)
