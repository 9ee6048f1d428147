"""What the calculator costs: one estimate, a map of 10,000, a changed slider, a trace; beside accelerate and fitcheck-llm."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from unittest.mock import patch

import numpy as np

from tests.bench.row import Row

MODEL = "meta-llama/Llama-2-7b-hf"


def measure() -> Iterator[Row]:
    """Rows: medians of repeated calls in this process; the trace and the import in processes of their own."""
    yield from _estimates()
    yield from _peers()
    yield from _slider()
    yield from _trace()
    code = "import time; t = time.perf_counter(); import engine.planner.cli; print(time.perf_counter() - t)"
    seconds = min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(5))
    yield Row("cold import of the planner, as far as one answer needs it", f"{1000 * seconds:.0f} ms", "goal < 100 ms")


def _median(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _estimates() -> Iterator[Row]:
    from engine.planner.answer import answer
    from engine.planner.inverse import fit_map
    from engine.planner.options import read_options
    from engine.planner.tape.program import play

    dice = random.Random(0)
    asked = [
        read_options(
            {"model": MODEL, "method": "qlora", "micro_batch": dice.randint(1, 64), "seq_len": dice.randint(32, 4096), "gpu": "RTX 4090"}
        )
        for _ in range(500)
    ]
    questions = iter(asked)
    answer(asked[0])
    yield Row(
        "one estimate, a batch and length not seen before",
        f"{1e3 * _median(lambda: answer(next(questions)), 400):.3f} ms",
        "goal <= 0.2 ms",
    )

    def first() -> None:
        play.cache_clear()
        answer(asked[0])

    yield Row("the first estimate for a model and method, played through", f"{1e3 * _median(first, 20):.1f} ms")
    batches, lengths = tuple(range(1, 101)), tuple(range(32, 3232, 32))
    yield Row(
        "a map of 10,000 batches x lengths", f"{1e3 * _median(lambda: fit_map(asked[0], batches, lengths), 20):.1f} ms", "goal <= 300 ms"
    )


def _peers() -> Iterator[Row]:
    import torch
    from accelerate.utils import calculate_maximum_sizes
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("llama")
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    yield Row(
        "accelerate, calculate_maximum_sizes on a weightless 7B (weights only)",
        f"{1e3 * _median(lambda: calculate_maximum_sizes(model), 10):.1f} ms",
    )
    from engine.planner.options import read_options
    from tests.bench.calculators import fitcheck

    gib, options = fitcheck(), read_options({"model": MODEL, "method": "qlora"})
    yield Row("fitcheck-llm, one estimate", f"{1e3 * _median(lambda: gib(options), 50):.3f} ms")


def _slider() -> Iterator[Row]:
    from streamlit.testing.v1 import AppTest

    def app() -> None:
        from lessons import planner

        planner.page()

    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, {"DELTALAB_HOME": home}):
        page = AppTest.from_function(app, default_timeout=60).run()
        taken = []
        for rank in (4, 8, 12, 20, 24, 28, 32, 40, 48, 64):
            widget = next(w for w in page.number_input if w.key == "ask-rank")
            start = time.perf_counter()
            widget.set_value(rank).run()
            taken.append(time.perf_counter() - start)
    yield Row("the page answers a changed rank, at the server, p90", f"{1e3 * float(np.percentile(taken, 90)):.0f} ms", "goal <= 150 ms")


def _trace() -> Iterator[Row]:
    command = [
        sys.executable,
        "-m",
        "engine.trace.cli",
        "--model",
        MODEL,
        "--method",
        "lora",
        "--seq-len",
        "1024",
        "--micro-batch",
        "2",
        "--json",
    ]
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    yield Row("a trace of a 7B LoRA step, with start-up", f"{time.perf_counter() - start:.1f} s", "goal <= 30 s")
