"""Traces of the calculator go through the queue, a real worker and the store."""

from __future__ import annotations

from pathlib import Path

from waiting import wait_for

from engine import jobs
from engine.jobs import traces
from engine.planner.options import Options, read_options
from engine.store import runs

TINY = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 4, "vocab_size": 512, "max_position_embeddings": 512}  # fmt: skip


def question(**changes: object) -> Options:
    return read_options({"config": TINY, "method": "lora", "seq_len": 64, **changes})


def test_a_trace_is_computed_by_a_worker_and_read_from_the_store(home: Path) -> None:
    from engine.trace.cli import trace_json

    asked = question()
    assert traces.look(asked).state == "none"
    assert traces.start(asked).state == "running"
    wait_for(lambda: traces.look(asked).state != "running", 120, "the trace to end")
    found = traces.look(asked)
    assert found.state == "done" and found.result is not None
    assert found.result["peak_allocated_gib"] == trace_json(asked.as_dict())["peak_allocated_gib"]
    assert traces.look(question(gpu="24")).result == found.result, "the card does not matter"
    assert traces.start(asked).state == "done" and len(runs.recent(kind=traces.KIND)) == 1
    assert jobs.recent() == [], "it is not one of the learner's runs"


def test_what_cannot_be_traced_ends_in_a_sentence(home: Path) -> None:
    asked = question(optimizer="adamw-8bit")
    traces.start(asked)
    wait_for(lambda: traces.look(asked).state != "running", 120, "the trace to end")
    assert traces.look(asked).state == "failed" and "optimizer=adamw-8bit" in traces.look(asked).sentence


def test_a_full_queue_is_a_sentence(alone: Path) -> None:
    for length in range(8):
        traces.start(question(seq_len=64 + length))
    assert traces.look(question(seq_len=71)).phase == "waiting at place 8 of the queue"
    refused = traces.start(question(seq_len=100))
    assert refused.state == "failed" and "queue is full" in refused.sentence
