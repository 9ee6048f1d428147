"""Every control by keyboard, and how the picture follows one that moves: once a frame, coarser on the way, whole at rest."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.settled import reach
from tests.stage.synthetic import synthetic

pytestmark = pytest.mark.e2e
DELTA, SCENES = (Path(__file__).with_name(name) for name in ("stage_app.py", "scenes_app.py"))
PAINT_MS = 60_000
EYE = "(plot) => Object.values(plot._fullLayout.scene._scene.getCamera().eye)"
KEPT = "JSON.parse(sessionStorage.getItem('deltalab.stage.delta') ?? '{}')"
PARTS = "(plot) => plot.data.map((trace) => [trace.type, trace.meta])"
LARGEST = """(plot) => Math.max(...plot.data.find((t) => t.meta === 'ΔW').z.map((row) => Math.max(...Array.from(row, Math.abs))))"""
# What each drawing showed: rank, mesh, rows and last cell of ΔW, columns of B.
WATCH = """(root) => {
    window.__drawn = [];
    new MutationObserver(() => {
        const [whole, b] = ['ΔW', 'B'].map((name) => root.querySelector('.dl-plot').data.find((trace) => trace.meta === name));
        const {rank, mesh, update, draws} = root.dataset;
        window.__drawn.push({rank, mesh, update, draws: Number(draws), rows: whole.z.length, last: whole.z.at(-1).at(-1), ribbons: b.z[0].length});
    }).observe(root, {attributes: true, attributeFilter: ['data-draws']});
}"""
MOVE = """(slider, ranks) => { for (const k of ranks) { slider.value = k; slider.dispatchEvent(new Event('input', {bubbles: true})) } }"""
# A move drawn with the whole mesh however slow the machine: the end of a move of the other slider changes nothing that Python hears of.
WHOLE = """(slider, [move, rank]) => {
    eval(move)(slider, [rank]);
    slider.closest('.dl-stage').querySelector('.dl-frame-input').dispatchEvent(new Event('change', {bubbles: true}));
}"""
# Each drawing takes longer than the stage puts up with, and the first one sees three more moves of the control.
SLOW = """(slider, [move]) => {
    const {glplot} = slider.closest('.dl-stage').querySelector('.dl-plot')._fullLayout.scene._scene, redraw = glplot.redraw, moved = eval(move);
    let first = true;
    glplot.redraw = () => {
        redraw();
        const end = performance.now() + 150;
        if (first) moved(slider, [7, 6, 3]);
        first = false;
        while (performance.now() < end);
    };
}"""
TARRY = """(plot) => {
    const {glplot} = plot._fullLayout.scene._scene, redraw = glplot.redraw;
    glplot.redraw = () => { const end = performance.now() + 150; redraw(); while (performance.now() < end); };
}"""
# What is written for each surface, by the stage while a control moves and by plotly at rest: the last vertices of each kind of update.
WRITTEN = """(plot) => {
    const root = plot.closest('.dl-stage');
    const now = {};
    window.__written = {heights: {}, all: {}};
    for (const {data, surface} of Object.values(plot._fullLayout.scene._scene.traces).filter((trace) => trace.surface)) {
        const buffer = surface._coordinateBuffer, update = buffer.update;
        buffer.update = (values) => {
            const kept = Float32Array.from(values);
            for (let n = 0; n < kept.length; n += 10) for (const axis of [0, 1, 2]) kept[n + 2 + axis] += surface.objectOffset[axis];
            now[data.meta] = kept;
            update.call(buffer, values);
        };
    }
    const told = () => {
        const {traces, fullSceneLayout} = plot._fullLayout.scene._scene;
        const surfaces = Object.values(traces).filter((trace) => trace.surface);
        const shown = Object.fromEntries(surfaces.map(({data, surface}) => [data.meta, [surface._vertexCount, ...surface.bounds.flat()]]));
        if (root.dataset.mesh === 'whole') window.__written[root.dataset.update] = {vertices: {...now}, shown, notes: fullSceneLayout.annotations.map((note) => note.text)};
    };
    new MutationObserver(told).observe(root, {attributes: true, attributeFilter: ['data-draws']});
}"""
COMPARED = """() => {
    const {heights, all} = window.__written;
    const far = ([name, values]) => {
        const other = all.vertices[name];
        let most = values.length === other.length && values.length > 0 ? 0 : Infinity;
        values.forEach((value, n) => { if (!Object.is(value, NaN) || !Object.is(other[n], NaN)) most = Math.max(most, Math.abs(value - other[n])) });
        return [name, Number.isNaN(most) ? -1 : most];
    };
    return [Object.fromEntries(Object.entries(heights.vertices).map(far)), heights.shown, all.shown, heights.notes, all.notes];
}"""
THIN = """async () => {
    const address = performance.getEntriesByType('resource').map((entry) => entry.name).find((name) => /arrays\\.js/.test(name));
    const {thin} = await import(address);
    const surface = (p, q, more) => ({type: 'surface', z: Array.from({length: p}, (_, i) => Array.from({length: q}, (_, j) => 1000 * i + j)), ...more});
    const holed = surface(60, 60), finned = surface(60, 60);
    holed.z[7][9] = null;
    for (const row of finned.z) for (let j = 2; j < 60; j += 3) row[j] = NaN;
    const told = ({z, x, y}) => [z.length, z[0].length, z.at(-1).at(-1), x?.at(-1), y?.at(-1), x?.length, y?.length];
    return [surface(2, 100), surface(5, 4), surface(4, 51, {x: Array.from({length: 51}, (_, j) => j / 10), y: [0, 0, 1, 1]}), holed, finned].map(
        (trace) => told(thin(trace, 4)))
}"""


def open_stage(page: Page, address: str) -> tuple[Locator, Locator]:
    page.set_viewport_size({"width": 760, "height": 900})
    page.goto(address)
    stage = page.locator(".dl-stage").first
    expect(stage).to_have_attribute("data-state", "ready", timeout=PAINT_MS)
    return stage, stage.locator(".dl-plot")


def test_every_control_of_the_matrix_answers_to_the_keyboard(page: Page, app_server) -> None:
    stage, plot = open_stage(page, app_server(DELTA))
    start = plot.evaluate(EYE)
    names = stage.locator("button[data-do]:visible").evaluate_all("(buttons) => buttons.map((button) => button.dataset.do)")
    assert names == ["cell", "left", "beside", "flat", "reset", "table", "png", "csv", "full", "projector"]

    def press(name: str, key: str = "Enter") -> None:
        reach(page, stage.get_by_role("button", name=name, exact=True)).press(key)

    def shown(condition: str) -> None:
        page.wait_for_function(f"(plot) => {condition}", arg=plot.element_handle(), timeout=PAINT_MS)

    # The picture turns and comes nearer from where it is seen, without a jump.
    picture = reach(page, stage.locator(".dl-picture"))
    expect(stage.get_by_text("Arrow keys turn the picture")).to_be_visible()
    picture.press("+")
    shown(f"Math.hypot(...({EYE})(plot)) < {0.95 * float(np.linalg.norm(start))}")
    assert plot.evaluate(EYE) == pytest.approx(0.92 * np.array(start), rel=1e-3)
    picture.press("ArrowUp")
    shown(f"({EYE})(plot)[2] > {1.01 * 0.92 * start[2]}")
    rank = reach(page, stage.get_by_role("slider", name="Directions kept"))
    rank.press("Home")
    expect(stage).to_have_attribute("data-rank", "1", timeout=PAINT_MS)
    rank.press("End")
    expect(stage).to_have_attribute("data-rank", "8", timeout=PAINT_MS)

    press("One cell")
    words = stage.locator(".dl-cell-words")
    for name in ("Row", "Column"):
        before = words.inner_text()
        reach(page, stage.get_by_label(name, exact=True)).press("ArrowUp")
        expect(words).not_to_have_text(before)
    press("What is left out", "Space")
    shown(f"({LARGEST})(plot) < 1e-5")
    press("What is left out")
    press("Full ΔW beside")
    shown("plot.data.some((trace) => trace.meta === 'full')")

    # The flat view has the same four matrices and the same marks, and nothing to turn.
    press("Flat view")
    shown("plot.data[0].type === 'heatmap'")
    marks = [["scatter", "frame"]] * 3
    assert plot.evaluate(PARTS) == [["heatmap", "B"], ["heatmap", "A"], ["heatmap", "ΔW"], ["heatmap", "full"], *marks]
    expect(stage.get_by_role("button", name="Reset view")).to_be_hidden()
    press("Flat view")
    shown("plot.data[0].type === 'surface'")

    press("Full ΔW beside")
    shown("!plot.data.some((trace) => trace.meta === 'full')")
    press("Reset view")
    page.wait_for_function(f"() => !({KEPT}).camera")
    shown(f"Math.abs(Math.hypot(...({EYE})(plot)) - {float(np.linalg.norm(start))}) < 1e-3")
    press("Show as a table")
    expect(stage.get_by_role("table").first).to_be_visible()
    press("Hide the table")
    expect(stage.get_by_role("table")).to_have_count(0)
    for name in ("PNG", "CSV"):
        with page.expect_download() as saved:
            press(name)
        assert saved.value.suggested_filename == f"delta-layer-15-q-proj.{name.lower()}"
    press("Full screen")
    page.wait_for_function("() => document.fullscreenElement?.matches('.dl-stage')")
    press("Full screen")
    page.wait_for_function("() => !document.fullscreenElement")
    press("Projector")
    expect(stage).to_have_attribute("data-projector", "on")
    press("Projector")
    expect(stage).not_to_have_attribute("data-projector", "on")
    assert page.problems == []


def test_the_picture_follows_a_control_once_a_frame_and_is_whole_at_rest(page: Page, app_server) -> None:
    stage, _ = open_stage(page, app_server(DELTA))
    slider = stage.get_by_role("slider", name="Directions kept")
    stage.evaluate(WATCH)
    before = int(stage.get_attribute("data-draws"))

    # Twenty moves within one frame are one drawing, of the last.
    slider.evaluate(MOVE, [1 + n % 7 for n in range(19)] + [5])
    expect(stage).to_have_attribute("data-rank", "5", timeout=PAINT_MS)
    drawn = page.evaluate("() => window.__drawn")
    assert drawn[0]["draws"] == before + 1
    assert {one["rank"] for one in drawn} == {"5"}

    # Moves during a drawing wait for its end; the last of them is drawn, those between are not.
    expect(stage).to_have_attribute("data-update", "all", timeout=PAINT_MS)
    expect(stage).to_have_attribute("data-mesh", "whole")
    page.wait_for_function("() => window.__drawn.at(-1).update === 'all'", timeout=PAINT_MS)
    page.evaluate("() => { window.__drawn.length = 0 }")
    slider.evaluate(SLOW, [MOVE])
    slider.evaluate(MOVE, [4])
    expect(stage).to_have_attribute("data-rank", "3", timeout=PAINT_MS)
    assert list(dict.fromkeys(one["rank"] for one in page.evaluate("() => window.__drawn"))) == ["4", "3"]

    # Since that was slow, the next move draws fewer rows, to the same edge and with every direction; at rest all are there.
    slider.evaluate(MOVE, [2])
    page.wait_for_function("() => window.__drawn.at(-1).rank === '2' && window.__drawn.at(-1).update === 'all'", timeout=PAINT_MS)
    drawn = [one for one in page.evaluate("() => window.__drawn") if one["rank"] == "2"]
    assert [(one["mesh"], one["update"]) for one in drawn] == [("coarse", "heights"), ("whole", "heights"), ("whole", "all")]
    assert drawn[0]["rows"] in (49, 33, 25) and drawn[1]["rows"] == 96, "every second to fourth row, and the last"
    assert drawn[0]["last"] == drawn[1]["last"]
    assert drawn[0]["ribbons"] == drawn[1]["ribbons"] == 24

    # Rows, columns, last value, last places, places: short sides, gaps and sides along which gaps come and go stay whole.
    ribbon, small, slab, holed, finned = page.evaluate(THIN)
    assert ribbon == [2, 26, 1099, 99, 1, 26, 2]
    assert small[:3] == [5, 4, 4003]
    assert slab == [4, 14, 3050, 5, 1, 14, 4]
    assert holed[:3] == [60, 60, 59_059]
    assert finned[:2] == [16, 60]
    assert page.problems == []


def test_while_the_rank_moves_the_stage_writes_what_plotly_writes_at_rest(page: Page, app_server) -> None:
    stage, plot = open_stage(page, app_server(DELTA))
    slider = stage.get_by_role("slider", name="Directions kept")
    for name in ("Full ΔW beside", "What is left out"):
        stage.get_by_role("button", name=name).click()
    page.wait_for_function("(plot) => plot.data.some((trace) => trace.meta === 'full')", arg=plot.element_handle(), timeout=PAINT_MS)
    stage.get_by_role("button", name="One cell").click()
    expect(stage.locator(".dl-cell-words")).to_be_visible()
    expect(stage).to_have_attribute("data-update", "all", timeout=PAINT_MS)
    plot.evaluate(WRITTEN)
    plot.evaluate(TARRY)
    for rank, thinned in ((5, False), (2, True)):  # the second move is thinned since the first took long, and whole when it rests
        page.evaluate("() => { window.__written.all = window.__written.heights = {} }")
        slider.evaluate(*((MOVE, [rank]) if thinned else (WHOLE, [MOVE, rank])))
        page.wait_for_function("() => window.__written.heights.notes && window.__written.all.notes", timeout=PAINT_MS)
        far, mine, theirs, words, same_words = page.evaluate(COMPARED)
        assert far.keys() >= {"B", "A", "ΔW"}
        assert all(0 <= most < 1e-5 for most in far.values()), far
        assert mine.keys() == theirs.keys() == {"B", "A", "ΔW", "full"}
        for name in mine:
            assert mine[name] == pytest.approx(theirs[name], abs=1e-5), name
        assert words == same_words
        assert f"top {rank}" in words[2]
    assert page.problems == []


def test_the_csv_holds_the_matrices_of_the_picture(page: Page, app_server) -> None:
    stage, _ = open_stage(page, app_server(DELTA))
    saved = rows_of(page, stage)
    b, a, whole = (section(saved, title) for title in ("# B;", "# A;", "# ΔW from its top 8"))
    parts = synthetic(0)
    np.testing.assert_allclose(b, parts["b"][::2], rtol=1e-5)
    np.testing.assert_allclose(a, parts["a"][:, ::2], rtol=1e-5)
    np.testing.assert_allclose(whole, b @ a, atol=1e-6)
    assert page.problems == []


def test_a_plain_scene_lights_words_saves_its_traces_and_keeps_still_for_those_who_ask(page: Page, app_server) -> None:
    page.emulate_media(reduced_motion="reduce")
    stage, plot = open_stage(page, app_server(SCENES))
    expect(stage).to_have_attribute("data-frame", "0")
    expect(stage.get_by_role("button", name="Play")).to_be_visible()

    # The part under the pointer lights its word, and only that.
    ground, path = (page.get_by_role("button", name=name, exact=True) for name in ("ground", "path"))
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.75)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6, steps=8)
    expect(ground).to_contain_class("dl-word-lit", timeout=PAINT_MS)
    expect(path).not_to_contain_class("dl-word-lit")
    page.mouse.move(0, 0)
    expect(ground).not_to_contain_class("dl-word-lit", timeout=PAINT_MS)

    # A turn is there in one drawing, and so is the table.
    once = """(root) => new Promise((done) => {
        const plot = root.querySelector('.dl-plot'), eye = () => Object.values(plot._fullLayout.scene._scene.getCamera().eye), before = eye();
        new MutationObserver(() => done([before, eye()])).observe(root, {attributes: true, attributeFilter: ['data-draws']});
        root.querySelector('.dl-picture').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    })"""
    before, after = (np.array(eye) for eye in stage.evaluate(once))
    turned = [np.arctan2(eye[1], eye[0]) for eye in (before, after)]
    assert turned[1] - turned[0] == pytest.approx(0.12, abs=1e-3)
    at_once = """(root) => {
        root.querySelector('[data-do=table]').click();
        return root.querySelector('.dl-tables').getBoundingClientRect().bottom <= innerHeight;
    }"""
    assert stage.evaluate(at_once)

    # Played, it goes a step a second at whatever speed, since it was asked to.
    stage.get_by_label("Speed").select_option("fourfold")
    played = """(root) => new Promise((done) => {
        const began = performance.now();
        new MutationObserver(() => { if (root.dataset.frame === '3') done(performance.now() - began) }).observe(root, {attributes: true});
        root.querySelector('[data-do=play]').click();
    })"""
    assert stage.evaluate(played) > 2900
    play = stage.get_by_role("button", name="Play")
    expect(play).to_be_visible(timeout=PAINT_MS)
    reach(page, play).press("Enter")
    expect(stage.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Enter")
    expect(play).to_be_visible()
    reach(page, stage.get_by_role("button", name="Step on")).press("Enter")
    speed = reach(page, stage.get_by_label("Speed"))
    speed.press("ArrowUp")
    expect(speed).to_have_value("2")

    # The CSV has the frame that is shown: each cell of the ground, each point of the path.
    frame = int(stage.get_by_role("slider", name="Step").input_value())
    saved = rows_of(page, stage)
    ridge = np.outer(np.sin(np.linspace(0, 3, 24)), np.cos(np.linspace(0, 4, 32)))
    start = saved.index(["# ground"])
    assert saved[start + 1] == ["x", "y", "z"]
    x, y, z = np.array(saved[start + 2 : start + 2 + ridge.size], dtype=float).T
    np.testing.assert_allclose(z.reshape(24, 32), ridge * (frame + 1) / 6, atol=1e-6)
    assert (x[31], y[31], x[32], y[32]) == (31, 0, 0, 1)
    assert saved[saved.index(["# path"]) + 2 :] == [["2", "4", "1.2"], ["16", "12", "1.2"], ["30", "20", "1.2"]]
    assert ["# z: z"] in saved
    assert page.problems == []


def rows_of(page: Page, stage: Locator) -> list[list[str]]:
    with page.expect_download() as saved:
        stage.get_by_role("button", name="CSV").click()
    with Path(saved.value.path()).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def section(rows: list[list[str]], title: str) -> np.ndarray:
    """The numbers under a title, without the names of rows and columns."""
    start = next(n for n, row in enumerate(rows) if row[0].startswith(title))
    ends = (n for n in range(start + 1, len(rows)) if rows[n][0].startswith("#"))
    return np.array([row[1:] for row in rows[start + 2 : next(ends, len(rows))]], dtype=float)
