"""The web process stays light: every page opens without an error and without torch."""

import subprocess
import sys

from lessons.catalog import existing

OPEN_PAGES = """
import sys
from streamlit.testing.v1 import AppTest
from engine import jobs
from lessons.catalog import existing

for page in existing():
    script = f"from lessons.{page.module} import page; page()"
    test = AppTest.from_string(script, default_timeout=60).run()
    assert not test.exception, (page.path, test.exception)
assert jobs.stop_supervisor()
heavy = {"torch", "transformers", "peft", "bitsandbytes"} & set(sys.modules)
sys.exit(f"the web process imported {heavy}" if heavy else 0)
"""


def test_every_page_opens_without_an_error_and_without_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    assert {"start", "lora"} <= {page.path for page in existing()}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", OPEN_PAGES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
