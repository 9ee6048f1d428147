"""The calculator as an engineer with a budget uses it: does 70B fit on 24, on 48, and what would make it fit?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine.planner.answer import answer
from engine.planner.options import read_options

pytestmark = pytest.mark.e2e
PAGE_MS = 30_000
QUESTION = {"model": "meta-llama/Llama-2-70b-hf", "method": "qlora", "rank": 16, "targets": "all-linear", "checkpointing": "full"}


@pytest.fixture
def calculator(page: Page, app_server, tmp_path):
    """Opens the page with a question in its address."""

    def open_page(query: str) -> Page:
        page.set_default_timeout(PAGE_MS)
        page.goto(f"{app_server(DELTALAB_HOME=str(tmp_path))}/calculator?{query}")
        expect(page.get_by_role("heading", name="Calculator", level=1)).to_be_visible(timeout=PAGE_MS)
        return page

    return open_page


def _said(gpu: str) -> str:
    """The line that the page must show, from the function that the command line prints."""
    found = answer(read_options({**QUESTION, "gpu": gpu}))
    low, high = found.reserve.reserved_interval_gib
    return f"{low:.1f} to {high:.1f} GiB, {found.gpu.usable_gib:.1f} usable"


def test_seventy_billion_on_one_card(calculator):
    page = calculator("model=meta-llama/Llama-2-70b-hf&method=qlora&targets=all-linear&checkpointing=full&gpu=24")
    status = page.get_by_role("status").filter(has_text="usable")
    expect(status).to_contain_text("It does not fit", timeout=PAGE_MS)
    expect(status).to_contain_text(_said("24"))
    expect(page.get_by_text(re.compile("cards, sharded")).first).to_be_visible()
    page.get_by_role("spinbutton", name="Memory, GiB").fill("48")
    page.get_by_role("spinbutton", name="Memory, GiB").press("Enter")
    expect(status).to_contain_text(_said("48"))
    expect(status).to_contain_text(re.compile("It fits|Tight"))
    expect(page).to_have_url(re.compile("gpu=48"))
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_a_way_is_taken_and_a_link_brings_it_back(calculator):
    page = calculator("model=mistralai/Mistral-7B-v0.1&method=full&seq-len=2048&micro-batch=4&gpu=RTX+4090")
    status = page.get_by_role("status").filter(has_text="usable")
    expect(status).to_contain_text("It does not fit", timeout=PAGE_MS)
    page.get_by_role("button", name="Take these changes").click()
    expect(status).to_contain_text("It fits")
    page.reload()
    expect(page.get_by_role("status").filter(has_text="usable")).to_contain_text("It fits", timeout=PAGE_MS)


def test_the_sum_and_the_claims_are_there(calculator):
    page = calculator("model=meta-llama/Llama-2-7b-hf&method=lora")
    page.get_by_text("The sum", exact=True).click()
    expect(page.get_by_role("cell", name=re.compile("parameters x 2 bytes"))).to_be_visible(timeout=PAGE_MS)
    page.get_by_text("Claims", exact=True).click()
    expect(page.get_by_text("QLoRA fits a 70B model on one card of 24 GB")).to_be_visible()
    page.get_by_text("How wrong", exact=True).click()
    expect(page.get_by_text("full, allocated", exact=False).first).to_be_visible()


def test_a_bad_link_is_a_sentence(calculator):
    page = calculator("model=meta-llama/Llama-2-7b-hf&method=lora&seq-len=999999")
    expect(page.get_by_text("is above the model's 4096 positions", exact=False)).to_be_visible(timeout=PAGE_MS)
    expect(page.get_by_text("Traceback")).to_have_count(0)
