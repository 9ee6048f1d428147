"""When a page is at rest, and how the keyboard gets about on it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

PAGE_MS = 60_000
MOST_TABS = 400


def settle(page: Page) -> None:
    """Wait for the page's script to end and its pictures to be drawn."""
    page.get_by_role("heading", level=1).wait_for(timeout=PAGE_MS)
    page.wait_for_function("!document.querySelector('[data-testid=stApp][data-test-script-state=running]')", timeout=PAGE_MS)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=PAGE_MS)
    page.wait_for_function("[...document.querySelectorAll('.dl-stage')].every(s => s.dataset.state !== 'loading')", timeout=PAGE_MS)


def reach(page: Page, wanted: Locator) -> Locator:
    """Press Tab until the focus is there, and see that it shows."""
    expect(wanted).to_be_visible(timeout=PAGE_MS)
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return wanted
    pytest.fail(f"{wanted} is not reached by {MOST_TABS} presses of Tab")
