"""The LoRA lesson as a learner walks it, live, in a real browser: on a nano model, and on SmolLM2 with a short run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e
RUN_MS = 500_000
"""Most that a run may take here: a test machine is shared, and the worker may be cold. The goals are measured in make bench."""
PAGE_MS = 30_000
SEEN_FROM = """eye => {
    const now = document.querySelector(".st-key-stage-place .dl-plot")?._fullLayout?.scene?.camera.eye;
    return now && ["x", "y", "z"].every((axis) => Math.abs(now[axis] - eye[axis]) < 1e-3);
}"""
KEPT_VIEW = "sessionStorage.getItem('deltalab.stage.lora-delta')"


@pytest.fixture
def lesson(page: Page, app_server, model_home):
    """Opens the lesson with some settings in its address."""

    def open_lesson(query: str = "") -> Page:
        page.set_default_timeout(PAGE_MS)
        page.goto(f"{app_server(DELTALAB_HOME=str(model_home))}/lora?{query}")
        expect(page.get_by_role("heading", name="LoRA", level=1)).to_be_visible(timeout=PAGE_MS)
        return page

    return open_lesson


def run_anew(page: Page) -> None:
    """Press whichever button starts a run."""
    page.get_by_role("button", name=re.compile("^Run it")).first.click()


def wait_done(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"^Done in \d+ s"))).to_be_visible(timeout=RUN_MS)


@pytest.mark.parametrize(
    ("query", "new_words"),
    [
        ("model=nano-0.5m&steps=300&seed=11", "sings|Hooray"),
        ("model=smollm2-135m-instruct&task=pirate&steps=12&seed=11&eval-every=0", r"matey|arr|ahoy|aye|\bye\b"),
    ],
    ids=["nano", "smollm2"],
)
def test_a_learner_walks_the_lesson(lesson, query, new_words):
    page = lesson(query)
    # Predict.
    page.get_by_role("button", name="Commit my prediction").click()
    expect(page.get_by_text("Now run it: the run will score your prediction.")).to_be_visible()
    # Run, and see progress.
    run_anew(page)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_text(re.compile(r"step \d+ of \d+"))).to_be_visible(timeout=RUN_MS)
    wait_done(page)
    # Read a changed answer, and the prediction scored.
    answers = page.get_by_role("table", name=re.compile("answered after step")).first
    expect(answers.locator("td[data-label=after]").first).to_contain_text(re.compile(new_words, re.I))
    expect(page.get_by_text(re.compile(r"It was \d+ of \d+"))).to_be_visible()
    expect(page.get_by_text("Your own run · ", exact=False)).to_be_visible()
    # Turn the ΔW by the keyboard, and move its rank, which rebuilds it in the browser.
    picture = page.locator(".st-key-stage-place .dl-stage .dl-picture")
    picture.focus()
    picture.press("ArrowRight")
    page.wait_for_function(f"() => /camera/.test({KEPT_VIEW})")
    rank = page.get_by_role("slider", name=re.compile("Directions kept"))
    expect(rank).to_be_visible(timeout=PAGE_MS)
    rank.focus()
    for _ in range(6):
        rank.press("ArrowLeft")
    expect(rank).to_have_value("2")
    # Answer the quiz.
    page.get_by_role("button", name=re.compile("A is random and B is zero")).click()
    expect(page.get_by_text("The start is the base itself", exact=False)).to_be_visible()
    # Reload: all of it is found again.
    address = page.url
    assert "run=" in address
    camera = page.evaluate(f"JSON.parse({KEPT_VIEW}).camera")
    page.goto(address)
    wait_done(page)
    expect(page.get_by_text(re.compile(r"It was \d+ of \d+"))).to_be_visible()
    expect(page.get_by_text("The start is the base itself", exact=False)).to_be_visible()
    expect(page.get_by_role("slider", name=re.compile("Directions kept"))).to_have_value("2", timeout=PAGE_MS)
    page.wait_for_function(SEEN_FROM, arg=camera["eye"], timeout=PAGE_MS)
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_a_run_is_cancelled_and_says_so(lesson):
    page = lesson("model=nano-0.5m&steps=5000&seed=12")
    run_anew(page)
    expect(page.get_by_text(re.compile(r"step \d+ of 5000"))).to_be_visible(timeout=RUN_MS)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("ancelled", exact=False).first).to_be_visible(timeout=10_000)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Run it")).first).to_be_visible()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("rank=0", "rank=0 must be at least 1"),
        ("rank=100000", "is above"),
        ("lr=fast", "lr='fast' is not a number"),
        ("model=gpt-9", "model='gpt-9' is not on this machine"),
        ("run=zzzzzzzzzzzz", "There is no run 'zzzzzzzzzzzz' here"),
        ("run=../../etc", "There is no run '../../etc' here"),
    ],
)
def test_a_tampered_link_gets_its_sentence(lesson, query, says):
    page = lesson(query)
    expect(page.get_by_text(says, exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Run it|^Show the run")).first).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_start_leads_to_the_lora_lesson(lesson):
    page = lesson()
    page.goto(page.url.split("/lora")[0] + "/")
    expect(page.get_by_role("heading", name="What fine-tuning is", level=1)).to_be_visible()
    expect(page.get_by_role("table", name=re.compile("LoRA · recorded")).first).to_contain_text("before")
    page.get_by_role("button", name="Open the LoRA lesson").click()
    expect(page.get_by_role("heading", name="LoRA", level=1)).to_be_visible()
