"""A config from the hub: from a hub of the test's own, and every way in which it can fail is a sentence."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from engine.contracts import SpecError
from engine.planner import hub as hub_module
from engine.planner.catalogue import find
from engine.planner.families import read_config
from engine.planner.hub import fetch_config

DEFAULTS = Path(hub_module.__file__).with_name("family_defaults.json")
CONFIG = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
          "vocab_size": 100, "max_position_embeddings": 64}  # fmt: skip


class _Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/good/model/resolve/main/config.json": json.dumps(CONFIG), "/bad/json/resolve/main/config.json": "<html>"}.get(self.path)
        self.send_response(200 if body else 401)
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


def test_fetches_and_reads(hub):
    assert read_config(fetch_config("good/model")).hidden == 64


@pytest.mark.parametrize(
    ("name", "word"), [("gated/model", "refused"), ("bad/json", "config.json"), ("../etc/passwd", "hub id"), ("x", "hub id")]
)
def test_failures_are_sentences(hub, name, word):
    with pytest.raises(SpecError, match=word):
        fetch_config(name)


VISION = {"hidden_size": 1152, "model_type": "siglip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 27}


def test_a_model_that_sees_leaves_out_what_its_family_takes_for_granted():
    """As google/gemma-3-4b-it is on the hub: no heads, no vocabulary."""
    text = {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34, "sliding_window": 1024}
    found = read_config({"model_type": "gemma3", "text_config": text, "vision_config": VISION})
    assert found == find("google/gemma-3-4b-pt")


@pytest.mark.parametrize("family", json.loads(DEFAULTS.read_bytes()))
def test_family_defaults_are_those_of_transformers(family):
    from transformers import CONFIG_MAPPING

    written = json.loads(DEFAULTS.read_bytes())[family]
    assert written == {name: getattr(CONFIG_MAPPING[family](), name) for name in written}
    assert read_config({"model_type": "seeing", "text_config": {"model_type": family}}).family == family


def test_offline_is_a_sentence(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SpecError, match="not reached"):
        fetch_config("good/model")
