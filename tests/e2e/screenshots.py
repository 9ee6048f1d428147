"""make screenshots: every page from top to end at two sizes and in two themes, into screenshots/ (not committed)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from lessons.catalog import existing
from tests.conftest import FLAGS, serve
from tests.e2e.settled import settle

ROOT = Path(__file__).parents[2]
OUT = ROOT / "screenshots"
SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
PIECE_PX = 4_000
"""Height of a piece of a page; Chromium paints no more than 8,192 pixels at once."""


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        server, address = serve(ROOT / "app.py", Path(home), {})
        try:
            shoot(address)
        finally:
            server.terminate()
            server.wait()


def shoot(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for theme in THEMES:
            for width, height in SIZES:
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                for entry in existing():
                    page.goto(f"{address}/{entry.path}")
                    settle(page)
                    page.screenshot(path=OUT / f"{entry.path}-{width}-{theme}.png")
                    pieces(page, width, f"{entry.path}-{width}-{theme}")
                    page.set_viewport_size({"width": width, "height": height})
                page.close()
        browser.close()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")


def pieces(page: Page, width: int, name: str) -> None:
    """The whole page, a piece at a time, since it scrolls inside an element of its own."""
    page.set_viewport_size({"width": width, "height": PIECE_PX})
    settle(page)
    scroller = page.get_by_test_id("stMain")
    for piece in range(-(-scroller.evaluate("main => main.scrollHeight") // PIECE_PX)):
        scroller.evaluate("(main, top) => main.scrollTo(0, top)", piece * PIECE_PX)
        settle(page)
        page.screenshot(path=OUT / f"{name}-{piece + 1}.png")


if __name__ == "__main__":
    main()
