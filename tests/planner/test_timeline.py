"""Memory through time: its highest moment is the peak that the calculator states."""

import pytest

from engine.planner.answer import arch_of
from engine.planner.memory import GIB, estimate
from engine.planner.options import read_options
from engine.planner.timeline import timeline

CASES = [
    {"model": "meta-llama/Llama-2-7b-hf", "method": "full", "micro_batch": 2},
    {"model": "meta-llama/Llama-2-7b-hf", "method": "lora", "micro_batch": 4, "checkpointing": "full"},
    {"model": "meta-llama/Llama-2-7b-hf", "method": "qlora", "accumulation": 4},
    {"model": "HuggingFaceTB/SmolLM2-135M", "method": "prefix"},
    {"model": "meta-llama/Llama-2-7b-hf", "method": "full", "gpus": 8, "sharding": "zero2"},
    {"model": "meta-llama/Llama-2-7b-hf", "method": "lora", "objective": "rlhf", "gpus": 2, "sharding": "fsdp"},
    {"model": "meta-llama/Llama-2-7b-hf", "method": "full", "offload": "all"},
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join([case["method"], case.get("sharding", ""), case.get("offload", "")]))
def test_highest_moment_is_the_peak(case):
    options = read_options(case)
    arch = arch_of(options)
    found, peak = timeline(options, arch), estimate(options, arch)
    assert found.gib.sum(1).max() * GIB == pytest.approx(peak.peak_bytes, rel=1e-9)
    assert len(found.phases) == len(found.gib) <= 141 and found.phases[0] == "forward" and found.phases[-1] == "step"
    assert list(found.phases) == sorted(found.phases, key=("forward", "backward", "step").index), "phases do not mix"
    assert (found.gib >= 0).all()


def test_layers_fill_memory_one_by_one():
    options = read_options(CASES[1] | {"checkpointing": "none"})
    found = timeline(options, arch_of(options))
    forward = found.gib[[phase == "forward" for phase in found.phases], found.terms.index("activations")]
    assert max(forward[n + 1] - forward[n] for n in range(len(forward) - 1)) < 0.1 * forward.max(), "32 layers are no single jump"
