"""Lessons, arena, gallery and record without serious findings of axe in light and dark, and by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from lessons.catalog import LESSONS
from lessons.panels.clinic import faults
from lessons.text import label
from tests.axe import serious
from tests.e2e.settled import PAGE_MS, reach, settle

pytestmark = pytest.mark.e2e
CANCEL_MS = 20_000
MARK_CONTROLS = """() => {
    const seen = new Set(), main = document.querySelector(".stMain");
    let count = 0;
    for (const one of main.querySelectorAll("button, input, select, textarea, a[href], [role=slider], summary")) {
        const box = one.getBoundingClientRect(), group = one.type === "radio" ? one.name : one.dataset.variant === "segmented_control" ? one.parentElement : one;
        if (one.disabled || one.tabIndex < 0 || box.width * box.height === 0 || !one.checkVisibility({visibilityProperty: true}) || seen.has(group)) continue;
        seen.add(group);
        one.dataset.control = count++;
    }
    return count;
}"""
"""Number each visible control of the page that Tab stops at; of buttons that belong together one, since the arrow keys do the rest."""
FOCUSED = """() => {
    const one = document.activeElement;
    if (!document.querySelector(".stMain").contains(one)) return null;
    const group = one.type === "radio" ? document : one.dataset.variant === "segmented_control" ? one.parentElement : null;
    const marked = group ? group.querySelector(one.name ? `[name="${one.name}"][data-control]` : "[data-control]") : one.closest("[data-control]");
    return marked ? +marked.dataset.control : -1;
}"""
DARK = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor === 'rgb(15, 20, 32)'"


@pytest.mark.parametrize("path", [*(lesson.path for lesson in LESSONS), "arena", "gallery", "record"])
def test_axe_finds_nothing_serious(page: Page, app_server, model_home, path: str) -> None:
    page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/{path}")
    settle(page)
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(DARK, timeout=PAGE_MS)
    settle(page)
    assert serious(page) == []


@pytest.mark.parametrize("path", [*(lesson.path for lesson in LESSONS), "arena", "runs", "record"])
def test_tab_reaches_every_control(page: Page, app_server, model_home, path: str) -> None:
    """From the first to the last: none holds the focus for good, and none is skipped."""
    page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/{path}?model=nano-0.5m")
    settle(page)
    controls = page.evaluate(MARK_CONTROLS)
    reached: set[int] = set()
    page.locator(".stMain").evaluate("main => { main.tabIndex = -1; main.focus(); }")
    for _ in range(4 * controls + 40):
        page.keyboard.press("Tab")
        place = page.evaluate(FOCUSED)
        if place is None and reached:
            break
        reached |= set() if place is None or place < 0 else {place}
    missed = page.evaluate(
        "reached => [...document.querySelectorAll('[data-control]')].filter(one => !reached.includes(+one.dataset.control)).map(one => one.outerHTML.slice(0, 120))",
        sorted(reached),
    )
    assert controls > 5 or path in ("runs", "record")
    assert missed == []


def test_a_lesson_by_keyboard_alone(page: Page, app_server, model_home) -> None:
    page.set_default_timeout(PAGE_MS)
    page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/lora?model=nano-0.5m&steps=5000&seed=31")
    settle(page)

    guess = page.locator(".st-key-part-predict").get_by_role("slider")
    before = int(guess.input_value())
    reach(page, guess).press("ArrowRight")
    expect(guess).to_have_value(str(before + 1))
    reach(page, page.get_by_role("button", name=label("predict.commit"))).press("Enter")
    expect(page.get_by_text(f"You said {before + 1} of")).to_be_visible()

    stage = page.locator(".st-key-stage-place .dl-stage")
    reach(page, stage.locator(".dl-picture")).press("ArrowRight")
    page.wait_for_function("() => /camera/.test(sessionStorage.getItem('deltalab.stage.lora-delta'))")
    rank = stage.get_by_role("slider", name="Directions kept")
    reach(page, rank).press("ArrowLeft")
    expect(rank).to_have_value("7")
    reach(page, stage.get_by_role("button", name="Show as a table")).press("Enter")
    expect(stage.get_by_role("table").first).to_be_visible()

    reach(page, page.get_by_role("button", name=re.compile("^Run it"))).press("Enter")
    cancel, ended = page.get_by_role("button", name="Cancel"), page.get_by_text("ancelled", exact=False).first
    reach(page, cancel).press("Enter")
    while not ended.is_visible():  # the panel is drawn anew twice a second, and a key may fall in between: a person would press again
        try:
            expect(ended).to_be_visible(timeout=CANCEL_MS)
        except AssertionError:
            expect(page.get_by_text(re.compile(r"^Done in"))).to_have_count(0)
            cancel.press("Enter", timeout=PAGE_MS)

    case = page.locator(".st-key-fault-0")
    first = faults("lora")[0].causes[0]
    reach(page, case.get_by_role("radio", name=first["text"])).press("Space")
    expect(case.get_by_test_id("stAlert")).to_be_visible()
    box = page.locator("[class*='st-key-quiz-box-']").first
    reach(page, box.locator("[class*='-option-'] button").first).press("Enter")
    expect(box.get_by_text("your choice")).to_be_visible()
    assert page.problems == []
