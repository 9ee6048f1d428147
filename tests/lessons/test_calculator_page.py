"""The calculator's page without a browser: every section draws, bad questions are sentences, and torch stays out."""

from __future__ import annotations

import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

SECTIONS = ("Make it fit", "The sum", "Batch and length", "Compare", "Claims", "Trace", "How wrong", "Take away")


def _page():
    from lessons import planner

    planner.page()


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    return AppTest.from_function(_page, default_timeout=60)


@pytest.mark.parametrize("section", SECTIONS)
def test_section_draws(page, section):
    page.session_state["calculator-section"] = section
    page.run()
    assert not page.exception and not page.error
    assert [m.label for m in page.metric][:2] == ["Memory", "Speed, tokens/s"]


@pytest.mark.parametrize("method", ["full", "lora", "qlora", "prompt", "prefix", "head"])
def test_method_draws(page, method):
    page.query_params["model"], page.query_params["method"] = "meta-llama/Llama-3.1-8B", method
    page.run()
    assert not page.exception and not page.error and page.metric


def test_too_long_is_a_sentence(page):
    page.query_params["model"], page.query_params["seq-len"] = "meta-llama/Llama-2-7b-hf", "99999"
    page.run()
    assert not page.exception and any("seq_len=99999" in error.value for error in page.error)


def test_torch_stays_out():
    code = "import sys, lessons.planner; assert not {'torch', 'transformers', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
