"""When a page is at rest."""

from __future__ import annotations

from playwright.sync_api import Page

PAGE_MS = 60_000


def settle(page: Page) -> None:
    """Wait for the page's script to end and its pictures to be drawn."""
    page.get_by_role("heading", level=1).wait_for(timeout=PAGE_MS)
    page.wait_for_function("!document.querySelector('[data-testid=stApp][data-test-script-state=running]')", timeout=PAGE_MS)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=PAGE_MS)
    page.wait_for_function("[...document.querySelectorAll('.dl-stage')].every(s => s.dataset.state !== 'loading')", timeout=PAGE_MS)
