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
        (
            ["--model", "openai-community/gpt2", "--method", "prompt", "--seq-len", "1024", "--virtual-tokens", "100"],
            "seq_len=1024 and virtual_tokens=100",
        ),
        (
            ["--model", "openai-community/gpt2", "--method", "prefix", "--seq-len", "1024", "--virtual-tokens", "100"],
            "seq_len=1024 and virtual_tokens=100",
        ),
        (["--model", "google-t5/t5-small", "--objective", "dpo", "--method", "lora"], "objective"),
        (["--model", "google-t5/t5-small", "--objective", "rlhf", "--method", "lora"], "objective"),
        (["--model", "openai-community/gpt2", "--examples", "10"], "examples"),
        (["--model", "openai-community/gpt2", "--examples", "10", "--tokens-per-example", "0"], "tokens_per_example"),
        (["--model", "openai-community/gpt2", "--examples", "10", "--tokens-per-example", "9", "--tokens", "90"], "tokens"),
        (["--model", "openai-community/gpt2", "--packing", "--dynamic-padding"], "packing"),
        (["--model", "openai-community/gpt2", "--packing", "--objective", "dpo"], "packing"),
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
        "",
        {"model": "openai-community/gpt2", "gpu": 24},
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines)))
    assert main(["--stdin-jsonl"]) == 0
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in answer for answer in out] == [False, True, True, True, False]
    assert out[0] == plan(lines[0])


def test_a_config_file_is_the_same_model(tmp_path, capsys):
    config = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
              "vocab_size": 32000, "max_position_embeddings": 4096}  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert main(["--config", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == plan({"model": "meta-llama/Llama-2-7b-hf"})


def test_import_brings_in_nothing_heavy():
    code = (
        "import sys, engine.planner.cli; bad = {'torch', 'transformers', 'peft', 'streamlit', 'pandas', 'plotly', 'scipy'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_one_answer_needs_no_numpy():
    """Whose import alone takes longer than the whole answer; only maps and the timeline need it."""
    code = f"import sys; from engine.planner.cli import main; assert main({ASKED!r}) == 0; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


GPT2 = {"model": "openai-community/gpt2", "seq_len": 512, "tokens_per_example": 128, "examples": 1000}


def test_examples_are_padded_unless_packed():
    padded, packed = plan(GPT2), plan(GPT2 | {"packing": True})
    assert padded["tokens_per_second"] == packed["tokens_per_second"] == packed["real_tokens_per_second"]
    assert padded["real_tokens_per_second"] == pytest.approx([rate / 4 for rate in padded["tokens_per_second"]], rel=1e-4)
    assert padded["hours"] == pytest.approx([4 * hours for hours in packed["hours"]], rel=1e-4)
    assert packed["hours"] == plan({"model": GPT2["model"], "seq_len": 512, "tokens": 128_000})["hours"]
    assert padded["peak_allocated_gib"] == packed["peak_allocated_gib"]
    alone = plan(GPT2 | {"dynamic_padding": True})
    assert alone["real_tokens_per_second"] == alone["tokens_per_second"], "a row alone in its batch is not padded"


def test_what_is_above_the_row_is_cut_off():
    assert plan(GPT2 | {"tokens_per_example": 900})["hours"] == plan({"model": GPT2["model"], "seq_len": 512, "tokens": 512_000})["hours"]


def test_table_says_what_is_padding(capsys):
    assert main(["--model", GPT2["model"], "--tokens-per-example", "128", "--examples", "1000"]) == 0
    assert "of text; the rest is padding" in capsys.readouterr().out
