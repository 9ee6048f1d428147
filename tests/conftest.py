"""What browser tests share: a Chromium, a page of it, and a Streamlit app on a free port with a data folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One Chromium for the whole run: the system's, or the one that Playwright installed."""
    from playwright.sync_api import Error, sync_playwright

    found = (
        os.environ.get("DELTALAB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    )
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            pytest.fail(f"No Chromium starts ({str(error).splitlines()[0]}). Install one with: python -m playwright install chromium")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    """A page at 1440 x 900 in light, watched."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield watched(context.new_page())
    context.close()


def watched(opened):
    """Console errors, uncaught exceptions and requests to other machines end up in `page.problems`."""
    opened.problems = []
    opened.on("console", lambda message: opened.problems.append(message.text) if _is_problem(message) else None)
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.on("request", lambda request: opened.problems.append(f"asked for {request.url}") if _is_outside(request.url) else None)
    return opened


def _is_problem(message) -> bool:
    """On a page's own address Streamlit first asks for its health beside that page, is told 404, and asks at the root."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


def _is_outside(url: str) -> bool:
    return urlsplit(url).scheme not in ("data", "blob", "about") and urlsplit(url).hostname not in ("localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def app_server(tmp_path_factory) -> Iterator[Callable[..., str]]:
    """`app_server(script, **environment) -> address`: starts `streamlit run` once a script, waits until it is healthy."""
    running: dict[tuple[object, ...], tuple[subprocess.Popen[bytes], str]] = {}

    def start(script: str | Path = ROOT / "app.py", **environment: str) -> str:
        key = (str(script), *sorted(environment.items()))
        if key not in running:
            running[key] = serve(Path(script), tmp_path_factory.mktemp("home"), environment)
        return running[key][1]

    yield start
    for process, _ in running.values():
        process.terminate()
    for process, _ in running.values():
        process.wait(timeout=10)


def serve(script: Path, home: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Streamlit app on a free port with its data in `home`; process and address once it is healthy."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless", "true"]
    settings = os.environ | {"DELTALAB_HOME": str(home / "data"), "PYTHONPATH": str(ROOT)} | environment
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://localhost:{port}"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return process, address
        except (URLError, OSError):
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"{script.name} did not become healthy in {START_SECONDS} s:\n{log.read_text('utf-8', 'replace')[-2000:]}")
