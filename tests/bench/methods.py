"""Each method's speed against the nearest peer: SFTTrainer with PEFT's own config, same rows, same order, same attention."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Iterator

import torch

from engine.catalog.defaults import default_spec
from engine.catalog.device import cpu_threads
from tests.bench.row import Row
from tests.bench.training import adapted, our_speed, trl_speed

STEPS, ROUNDS = 8, 2
METHODS = ("full", "lora", "prompt", "prefix")


def measure() -> Iterator[Row]:
    """Ratio of training tokens per second; padding is counted in neither, nor are virtual tokens."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(cpu_threads())
    for method in METHODS:
        spec = default_spec("smollm2-135m-instruct", "pirate", method, steps=STEPS, dtype="bf16")
        fed = list(adapted(spec)[1].batches())
        pairs = [(our_speed(spec), trl_speed(spec, fed, "eager", True)) for _ in range(ROUNDS)]
        ratio = statistics.median(a / b for a, b in pairs)
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        goal = "goal >= 1.0" if method in ("prompt", "prefix") else "goal >= 1.3"
        yield Row(f"{method}: ours {ours:.0f} / SFTTrainer {theirs:.0f} tokens/s, eager, bf16", f"{ratio:.2f}x", goal)
