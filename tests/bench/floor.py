"""What a step of full fine-tuning costs against its floor: the matrix products at these shapes at the rate that this machine
gives them alone, and the bytes that the optimizer has to move at the rate at which this machine copies memory."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import nn

from engine.catalog.defaults import default_spec
from engine.catalog.device import cpu_threads
from engine.training import loop
from tests.bench.row import Row
from tests.bench.training import adapted

STEPS, WARM_UP = 10, 2
ADAMW_BYTES = 7 * 4 + 4 + 2
"""Bytes moved for each parameter in a step: p, g, m, v read and p, m, v written in fp32; then p read and its bf16 copy written (6)."""


def measure() -> Iterator[Row]:
    """The floor of a step as a share of the step that was measured beside it."""
    torch.set_num_threads(cpu_threads())
    spec = default_spec("smollm2-135m-instruct", "pirate", "full", steps=STEPS, dtype="bf16")
    adaptation, objective = adapted(spec)
    batches = list(objective.batches())
    steps = list(loop.optimise(adaptation, objective, spec))
    took = (steps[-1].seconds - steps[WARM_UP - 1].seconds) / (STEPS - WARM_UP)
    products = statistics.fmean(product_seconds(adaptation.model, batch) for batch in batches[WARM_UP : WARM_UP + 3])
    moved = ADAMW_BYTES * sum(p.numel() for p in adaptation.trainable()) / copy_rate()
    share = (products + moved) / took
    figure = f"{100 * share:.0f}% of {1000 * took:.0f} ms"
    yield Row(f"floor of a full step: products {1000 * products:.0f} ms + AdamW {1000 * moved:.0f} ms", figure, "goal >= 60%")


def product_seconds(model: nn.Module, batch) -> float:
    """Forward, gradient of the input and gradient of the weight for every linear layer, at the batch's own number of rows."""
    inner = Counter(tuple(m.weight.shape) for name, m in model.named_modules() if isinstance(m, nn.Linear) and name != "lm_head")
    labelled = int((batch.labels[:, 1:] != -100).sum())
    shapes = [(shape, count, batch.ids.numel()) for shape, count in inner.items()]
    shapes.append((tuple(model.get_output_embeddings().weight.shape), 1, labelled))
    total = 0.0
    for (out, in_), count, rows in shapes:
        w, x, g = (torch.randn(*size, dtype=torch.bfloat16) for size in ((out, in_), (rows, in_), (rows, out)))
        total += count * (fastest(lambda w=w, x=x: x @ w.T) + fastest(lambda w=w, g=g: g @ w) + fastest(lambda x=x, g=g: g.T @ x))
    return total


def copy_rate() -> float:
    """Bytes a second, read and written both counted."""
    source = torch.empty(64_000_000)
    target = torch.empty_like(source)
    return 2 * source.numel() * 4 / fastest(lambda: target.copy_(source))


def fastest(call: Callable[[], object], times: int = 7) -> float:
    """Least seconds of several tries, the first one not counted."""
    call()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)
