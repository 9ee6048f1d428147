"""The web process: start, memory, and what the first run and a rerun of a page cost at the server."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from lessons.catalog import LESSONS
from tests.bench.row import Row

ROOT = Path(__file__).parent.parent.parent
STARTS, RERUNS = 5, 40
EMPTY_APP = "import streamlit as st\nst.title('empty')\n"
FIRST_RUN = """
import time
from streamlit.testing.v1 import AppTest
from engine.store import progress
from lessons.warm_up import _read_all
_read_all()
progress.of("0" * 32)
AppTest.from_string("import streamlit as st; st.title('warm')").run()
test = AppTest.from_string("from lessons.{module} import page; page()", default_timeout=60)
began = time.perf_counter()
test.run()
print(time.perf_counter() - began)
assert not test.exception
"""
"""By the time that a learner opens the next lesson the database is there, `lessons.warm_up` is done, and Streamlit has shown a page."""


def measure() -> Iterator[Row]:
    """Rows: start to healthy beside an empty Streamlit app, memory, torch's absence, rerun of the LoRA page."""
    with tempfile.TemporaryDirectory() as scratch:
        empty = Path(scratch) / "empty.py"
        empty.write_text(EMPTY_APP)
        starts = [(start_seconds(ROOT / "app.py", scratch), start_seconds(empty, scratch)) for _ in range(STARTS)]
        ours, theirs = ([pair[i] for pair in starts] for i in (0, 1))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        yield Row("start to healthy", f"{statistics.median(ours):.2f} s", "goal <= 2 s")
        yield Row("  beside an empty Streamlit app", f"{ratio:.2f}x", "no goal")
        rss, torch_loaded = resident(scratch)
        yield Row("resident after the LoRA page was opened", f"{rss / 1e6:.0f} MB", "goal <= 250 MB")
        yield Row("torch in the web process", "yes" if torch_loaded else "no", "goal: no")
    seconds = sorted(reruns())
    yield Row("rerun of the LoRA page at the server, median", f"{1000 * statistics.median(seconds):.0f} ms")
    yield Row("rerun of the LoRA page at the server, p95", f"{1000 * seconds[int(0.95 * len(seconds)) - 1]:.0f} ms", "goal <= 150 ms")
    firsts = {lesson.path: first_run(lesson.module) for lesson in LESSONS}
    slowest = max(firsts, key=firsts.__getitem__)
    for path, took in firsts.items():
        yield Row(f"first run of /{path} at the server", f"{1000 * took:.0f} ms", "goal <= 300 ms" + " · the slowest" * (path == slowest))


def start_seconds(app: Path, home: str) -> float:
    """Start an app, wait until it is healthy, stop it."""
    began = time.perf_counter()
    process, port = launch(app, home)
    wait_healthy(port)
    seconds = time.perf_counter() - began
    process.terminate()
    process.wait()
    return seconds


def launch(app: Path, home: str) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"DELTALAB_HOME": home}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **quiet), port


def wait_healthy(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
            return
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(f"nothing healthy on port {port} in 60 s")


def resident(home: str) -> tuple[int, bool]:
    """Resident bytes of the web process after a browser opened the LoRA page, and whether torch's library is mapped."""
    from playwright.sync_api import sync_playwright

    from tests.conftest import FLAGS

    process, port = launch(ROOT / "app.py", home)
    try:
        wait_healthy(port)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/lora")
            page.get_by_role("heading", name="Quiz").wait_for(timeout=60_000)
            browser.close()
        folder = Path(f"/proc/{process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), "libtorch" in (folder / "maps").read_text()
    finally:
        process.terminate()
        process.wait()


def first_run(module: str) -> float:
    """Seconds of a lesson's script in a process of its own that is warmed up and has drawn nothing of it yet."""
    with tempfile.TemporaryDirectory() as home:
        command, environment = [sys.executable, "-c", FIRST_RUN.format(module=module)], os.environ | {"DELTALAB_HOME": home}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def reruns() -> list[float]:
    """Seconds of the page's script, run again and again in this process without a browser."""
    from streamlit.testing.v1 import AppTest

    test = AppTest.from_string("from lessons.lora import page; page()", default_timeout=60).run()
    seconds = []
    for _ in range(RERUNS):
        began = time.perf_counter()
        test.run()
        seconds.append(time.perf_counter() - began)
    return seconds
