"""make screenshots: every page at two sizes and in two themes, into screenshots/ (not committed)."""

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
LONGEST_PX = 12_000


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
                    whole(page, width)
                    page.screenshot(path=OUT / f"{entry.path}-{width}-{theme}-whole.png")
                    page.set_viewport_size({"width": width, "height": height})
                page.close()
        browser.close()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")


def whole(page: Page, width: int) -> None:
    """Make the window as tall as the page, which scrolls inside an element of its own."""
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(tall + 40, LONGEST_PX)})
    settle(page)


if __name__ == "__main__":
    main()
