"""The calculator's page without a browser: every section draws, bad questions are sentences, and torch stays out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from engine.planner.answer import answer
from engine.planner.hardware import gpus
from engine.planner.link import from_link
from engine.planner.options import read_options
from lessons.planner import SECTIONS


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


@pytest.mark.parametrize("question", [{}, {"micro_batch": 4, "accumulation": 4}, {"gpus": 8, "method": "full"}, {"objective": "rlhf"}])
def test_one_step_is_drawn_up_to_the_stated_peak(question):
    from lessons.panels.planner_sum import step_scene

    found = answer(read_options({"model": "meta-llama/Llama-2-7b-hf", **question}))
    rows = step_scene(found).tables[0].rows
    assert [row[0] for row in rows] == ["at rest", "forward", "backward", "optimizer step"]
    assert max(row[1] for row in rows) == pytest.approx(found.estimate.peak_bytes / 2**30, rel=0.01)
    assert all(row[1] == pytest.approx(sum(row[2:]), abs=0.01) for row in rows)


@pytest.mark.parametrize("method", ["full", "lora", "qlora", "prompt", "prefix", "head"])
def test_method_draws(page, method):
    page.query_params["model"], page.query_params["method"] = "meta-llama/Llama-3.1-8B", method
    page.run()
    assert not page.exception and not page.error and page.metric


def _widget(page, name):
    return next(w for w in (*page.selectbox, *page.number_input) if str(w.key).startswith(f"ask-{name}"))


def _link(page):
    return {key: value[0] if isinstance(value, list) else value for key, value in page.query_params.items()}


def test_shows_the_sharding_that_is_computed(page):
    page.query_params["model"], page.query_params["method"] = "meta-llama/Llama-2-7b-hf", "full"
    page.run()
    _widget(page, "gpus").set_value(8).run()
    assert _widget(page, "sharding").value == read_options({"model": "meta-llama/Llama-2-7b-hf", "method": "full", "gpus": 8}).sharding
    assert "sharding" not in _link(page)
    _widget(page, "sharding").set_value("ddp").run()
    assert _link(page)["sharding"] == "ddp" and not page.error


def test_shows_what_is_trained_after_the_weights_change(page):
    page.query_params["model"] = "meta-llama/Llama-2-7b-hf"
    page.run()
    _widget(page, "weights").set_value("fp32").run()
    assert _widget(page, "trainable_dtype").value == "fp32"
    _widget(page, "trainable_dtype").set_value("bf16").run()
    assert _link(page)["trainable-dtype"] == "bf16"
    assert read_options(from_link(_link(page))).trainable_dtype == "bf16"


def test_another_method_starts_from_its_own_defaults(page):
    page.query_params["model"], page.query_params["method"], page.query_params["weights"] = "meta-llama/Llama-2-7b-hf", "qlora", "nf4"
    page.run()
    _widget(page, "method").set_value("full").run()
    assert not page.error and _widget(page, "weights").value == "bf16"


def test_a_pasted_config_is_part_of_the_link(page):
    config = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
              "vocab_size": 100, "max_position_embeddings": 64, "architectures": ["X"]}  # fmt: skip
    page.query_params["config"], page.query_params["seq-len"] = json.dumps(config), "32"
    page.run()
    assert not page.error and page.metric and "hidden_size" in page.text_area[0].value
    assert json.loads(_link(page)["config"])["hidden_size"] == 64 and "architectures" not in _link(page)["config"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("model", "no/such", "model='no/such'"), ("gpu", "RTX 9999", "gpu='RTX 9999' is not in the list"), ("method", "magic", "method='magic'"),
     ("gpus", "90000000", "gpus=90000000"), ("price", "-1", "price=-1"), ("tokens", "nan", "tokens=nan"), ("examples", "x", "examples='x'"),
     ("seq-len", "0", "seq_len=0"), ("packing", "yes", "packing='yes'"), ("config", "[]", "config must be a JSON object")],
)  # fmt: skip
def test_what_a_link_says_wrongly_is_refused_by_name(page, name, text, says):
    page.query_params[name] = text
    if name not in ("model", "config"):
        page.query_params["model"] = "meta-llama/Llama-2-7b-hf"
    page.run()
    assert not page.exception and not page.metric and says in " ".join(error.value for error in page.error)


def test_a_card_by_another_name_is_that_card(page):
    page.query_params["model"], page.query_params["gpu"] = "meta-llama/Llama-2-7b-hf", "A6000"
    page.run()
    assert _widget(page, "gpu").value == "RTX A6000" and not page.error


@pytest.mark.parametrize(("card", "said"), [("T4", True), ("V100 16GB PCIe", True), ("RTX 2080 Ti", True), ("RTX 4090", False)])
def test_a_card_says_what_it_cannot_do_and_when_its_price_was_read(page, card, said):
    page.query_params["model"], page.query_params["gpu"] = "meta-llama/Llama-2-7b-hf", card
    page.run()
    assert any("No bf16 on this card" in caption.value for caption in page.caption) == said
    shown = " ".join(element.value for element in page.markdown)
    assert (gpus()[card].price_date or "No price is listed") in shown and gpus()[card].note in shown


@pytest.mark.parametrize(("phase", "last"), [("backward", "temporaries"), ("step", "optimizer and temporaries")])
def test_sum_and_trace_stand_side_by_side_term_by_term(phase, last):
    from lessons.panels.planner_trace import side_by_side

    found = answer(read_options({"model": "meta-llama/Llama-2-7b-hf", "checkpointing": "full"}))
    own = {name: value / 2**30 for name, value in found.estimate.terms_bytes.items() if name != "framework"}
    rows = side_by_side(found, {"phase": phase, "terms_gib": own, "peak_allocated_gib": sum(own.values()), "seconds": 1})
    assert {row["term"] for row in rows} >= {
        "weights",
        "adapters",
        "gradients",
        "activations",
        "recomputation",
        "logits",
        last,
        "peak allocated",
    }
    assert all(row["sum, GiB"] == row["trace, GiB"] for row in rows)
    parts = sum(float(row["sum, GiB"]) for row in rows[:-1])
    assert parts == pytest.approx(float(rows[-1]["sum, GiB"]), abs=0.01), "no term is left out or counted twice"


def test_too_long_is_a_sentence(page):
    page.query_params["model"], page.query_params["seq-len"] = "meta-llama/Llama-2-7b-hf", "99999"
    page.run()
    assert not page.exception and any("seq_len=99999" in error.value for error in page.error)


def test_torch_stays_out():
    code = "import sys, lessons.planner; assert not {'torch', 'transformers', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
