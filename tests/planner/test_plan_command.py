"""The command line and its JSON: what other programs rely on."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from engine.planner.answer import plan
from engine.planner.cli import main

ASKED = ["--model", "meta-llama/Llama-2-7b-hf", "--method", "qlora", "--rank", "64", "--targets", "all-linear", "--seq-len", "512", "--micro-batch", "1", "--checkpointing", "full", "--attention", "sdpa", "--optimizer", "paged-adamw-32bit", "--weights", "nf4-dq"]  # fmt: skip
KEYS = {"peak_allocated_gib", "interval_allocated_gib", "peak_reserved_gib", "interval_gib", "usable_gib", "verdict", "terms_gib", "total_params",
        "trainable_params", "adapter_bytes", "checkpoint_bytes", "tokens_per_second", "hours", "cost_usd", "assumed", "speed_assumed", "notes"}  # fmt: skip


def test_json_has_the_promised_keys_and_terms_sum_to_the_peak(capsys):
    assert main([*ASKED, "--gpu", "RTX 4090", "--tokens", "1e6", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= KEYS
    assert sum(found["terms_gib"].values()) == pytest.approx(found["peak_allocated_gib"], abs=1e-4)
    assert found["interval_allocated_gib"][0] <= found["peak_allocated_gib"] <= found["interval_allocated_gib"][1]
    assert found["interval_gib"][0] <= found["peak_reserved_gib"] <= found["interval_gib"][1]
    assert found["verdict"] == "fits" and found["trainable_params"] == 159_907_840
    assert found["hours"][0] < found["hours"][1] and found["cost_usd"][0] < found["cost_usd"][1]


def test_notes_are_printed(capsys):
    assert main([*ASKED, "--gpu", "T4"]) == 0
    assert "note: T4 has no bf16" in capsys.readouterr().out


def test_table_for_people(capsys):
    assert main([*ASKED, "--gpu", "24"]) == 0
    said = capsys.readouterr().out
    assert "fits" in said and "weights" in said and "GiB" in said


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--model", "nonsense/model"], "model"),
        (["--model", "meta-llama/Llama-2-7b-hf", "--micro-batch", "0"], "micro_batch"),
        (["--model", "meta-llama/Llama-2-7b-hf", "--seq-len", "100000"], "seq_len"),
        (["--model", "meta-llama/Llama-2-7b-hf", "--gpu", "RTX 9999"], "gpu"),
        (["--model", "meta-llama/Llama-2-7b-hf", "--method", "full", "--weights", "nf4"], "weights"),
        (["--model", "meta-llama/Llama-2-7b-hf", "--targets", "nothing_proj"], "targets"),
        (["--model", "meta-llama/Llama-2-7b-hf", "--method", "full", "--rank", "8"], "rank"),
        (["--config", "/no/such/file.json"], "config"),
        (["--rank", "eight"], "rank"),
        ([], "model"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_field(arguments, field, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert field in said.replace("-", "_") and len(said.strip().splitlines()) == 1 and "Traceback" not in said


def test_many_questions_in_order(monkeypatch, capsys):
    lines = [
        {"model": "openai-community/gpt2", "method": "full"},
        {"model": "none"},
        "not json",
        {"model": "openai-community/gpt2", "gpu": 24},
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines)))
    assert main(["--stdin-jsonl"]) == 0
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in answer for answer in out] == [False, True, True, False]
    assert out[0] == plan(lines[0])


def test_a_config_file_is_the_same_model(tmp_path, capsys):
    config = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
              "vocab_size": 32000, "max_position_embeddings": 4096}  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert main(["--config", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == plan({"model": "meta-llama/Llama-2-7b-hf"})


def test_cold_import_is_quick_and_pure():
    code = (
        "import time, numpy; t = time.perf_counter(); import engine.planner.cli; t = time.perf_counter() - t; import sys; "
        "bad = {'torch', 'transformers', 'streamlit', 'pandas', 'plotly'} & set(sys.modules); assert not bad, bad; print(t)"
    )
    seconds = min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3))
    assert seconds < 0.5  # 0.1 on an idle machine, which `make bench` measures
