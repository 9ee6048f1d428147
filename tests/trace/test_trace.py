"""Traces against the sums, against kept traces, and against a real step on the CPU."""

from __future__ import annotations

import json

import pytest

from engine.contracts import SpecError
from engine.planner.families import read_config
from engine.planner.memory import estimate
from engine.planner.options import read_options
from engine.planner.rows import rows
from engine.planner.tracefile import traces
from engine.trace.against_rows import FILE, IDS
from engine.trace.cli import main
from engine.trace.make import line
from engine.trace.step import trace

KEPT = sorted(traces(), key=lambda t: (t["peak_bytes"], t["seed"]))[:: max(len(traces()) // 20, 1)][:20]
TINY = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 4, "vocab_size": 512, "max_position_embeddings": 512, "tie_word_embeddings": False}  # fmt: skip


@pytest.mark.parametrize("kept", KEPT, ids=lambda t: f"{t['family']}-{t['seed']}")
def test_traced_anew_is_the_kept_trace(kept):
    assert line(kept["seed"], kept["family"]) == kept


def test_traces_of_listed_rows_are_within_one_percent():
    found = json.loads(FILE.read_bytes())
    measured = {row.id: row.measured_gib for row in rows()}
    assert {line["id"] for line in found} == set(IDS)
    assert all(abs(line["traced_gib"] / measured[line["id"]] - 1) <= 0.01 for line in found)


def _real_peak(options):
    """Most bytes alive in a real step on the CPU, from the profiler's record of every allocation."""
    import torch
    from torch.profiler import profile
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model("llama", **{k: v for k, v in TINY.items() if k != "model_type"})
    config.use_cache = False
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa").train()
    optimizer = torch.optim.AdamW(model.parameters(), foreach=True)
    ids = torch.randint(0, 512, (options.micro_batch, options.seq_len))

    def step():
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step()
    with profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as record:
        step()
    live = most = 0
    for event in record.profiler.kineto_results.experimental_event_tree():
        for _, moved in _allocations(event):
            live += moved
            most = max(most, live)
    standing = sum(p.numel() for p in model.parameters()) * 4 * 3
    return standing + most


def _allocations(event):
    found = []
    stack = [event]
    while stack:
        now = stack.pop()
        if str(now.tag).endswith("Allocation"):
            found.append((now.start_time_ns, now.typed[1].alloc_size))
        stack.extend(now.children)
    return sorted(found)


def test_trace_is_a_real_step_to_two_percent():
    options = read_options({"config": TINY, "method": "full", "weights": "fp32", "autocast": "none", "seq_len": 128, "micro_batch": 4})
    found = trace(options, read_config(TINY))
    assert found.peak_bytes == pytest.approx(_real_peak(options), rel=0.02)


def test_sum_and_trace_agree_on_a_small_model():
    options = read_options(
        {"config": TINY, "method": "lora", "targets": "all-linear", "seq_len": 256, "micro_batch": 4, "checkpointing": "full"}
    )
    found, sum_ = trace(options, read_config(TINY)), estimate(options, read_config(TINY))
    assert sum_.peak_bytes - sum_.terms_bytes["framework"] == pytest.approx(found.peak_bytes, rel=0.02)
    assert (found.trainable_params, found.total_params) == (sum_.standing.trainable_params, sum_.standing.total_params)


@pytest.mark.parametrize(
    "question",
    [{"method": "lora", "targets": "all-linear", "checkpointing": "full", "micro_batch": 4}, {"method": "full", "micro_batch": 4},
     {"method": "lora", "objective": "dpo"}, {"method": "lora", "objective": "classify", "checkpointing": "full"}],
)  # fmt: skip
def test_sum_and_trace_agree_term_by_term(question):
    config = TINY | {"hidden_size": 256, "intermediate_size": 640, "vocab_size": 2048}
    options = read_options({"config": config, "seq_len": 256, **question})
    found, sum_ = trace(options, read_config(config)), estimate(options, read_config(config))
    assert found.phase == sum_.phase
    names = {"weights", "adapters", "activations", "recomputation", "logits"} | (
        {"gradients", "optimizer"} if found.phase != "step" else set()
    )
    for name in names:
        assert found.terms_bytes.get(name, 0) == pytest.approx(sum_.terms_bytes[name], rel=0.03, abs=0.003 * found.peak_bytes), name


def test_command_prints_json(tmp_path, capsys):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    assert main(["--config", str(path), "--method", "full", "--seq-len", "64", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(found["terms_gib"].values()) == pytest.approx(found["peak_allocated_gib"], abs=1e-4) and found["seconds"] > 0


@pytest.mark.parametrize(
    ("change", "word"), [({"method": "qlora", "weights": "int8"}, "int8"), ({"logits": "fused"}, "logits"), ({"gpus": 2}, "gpus")]
)
def test_what_cannot_be_traced_is_said(change, word):
    options = read_options({"config": TINY, **change})
    with pytest.raises(SpecError, match=word):
        trace(options, read_config(TINY))
