"""Questions listed before they were run, answered by a real GPU: two steps of the trace's own code, with tensors that hold bytes.

`python -m engine.trace.on_gpu [name ...]` asks all of them, or those named, and keeps what it finds in engine/planner/on_gpu.json.
Weights are random, which changes neither memory nor speed.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import engine.planner
from engine.planner.answer import arch_of
from engine.planner.memory import GIB
from engine.planner.options import Options, read_options
from engine.trace import step
from engine.trace.build import build
from engine.training.machine import today

FILE = Path(engine.planner.__file__).with_name("on_gpu.json")
TIMED_STEPS = 5
_LLAMA_7B, _LLAMA_13B = "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-13b-hf"
_TINY, _QWEN, _SMOL = "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "Qwen/Qwen2.5-1.5B", "HuggingFaceTB/SmolLM2-135M"
_FULL = {"checkpointing": "full"}
_ALL = {"rank": 16, "targets": "all-linear"}
QUESTIONS: dict[str, dict[str, Any]] = {
    "smol-full": {"model": _SMOL, "method": "full", "seq_len": 1024, "micro_batch": 8},
    "smol-full-fp32": {"model": _SMOL, "method": "full", "weights": "fp32", "seq_len": 512, "micro_batch": 8},
    "tiny-full": {"model": _TINY, "method": "full", "seq_len": 1024, "micro_batch": 8},
    "tiny-full-eager": {"model": _TINY, "method": "full", "seq_len": 1024, "micro_batch": 4, "attention": "eager"},
    "qwen-full": {"model": _QWEN, "method": "full", "seq_len": 2048, "micro_batch": 4, **_FULL},
    "7b-full": {"model": _LLAMA_7B, "method": "full", "seq_len": 1024, "micro_batch": 2, **_FULL},
    "tiny-lora": {"model": _TINY, "method": "lora", "seq_len": 1024, "micro_batch": 8, **_ALL},
    "qwen-lora": {"model": _QWEN, "method": "lora", "seq_len": 1024, "micro_batch": 8, **_ALL},
    "qwen-lora-fp32-adapter": {"model": _QWEN, "method": "lora", "seq_len": 1024, "micro_batch": 4, "trainable_dtype": "fp32", **_ALL},
    "7b-lora": {"model": _LLAMA_7B, "method": "lora", "seq_len": 1024, "micro_batch": 4, **_ALL},
    "7b-lora-q-v-checkpointed": {"model": _LLAMA_7B, "method": "lora", "seq_len": 2048, "micro_batch": 4, "rank": 8, **_FULL},
    "13b-lora": {"model": _LLAMA_13B, "method": "lora", "seq_len": 1024, "micro_batch": 2, **_ALL},
    "7b-qlora": {"model": _LLAMA_7B, "method": "qlora", "seq_len": 512, "micro_batch": 4, **_ALL},
    "7b-qlora-checkpointed": {"model": _LLAMA_7B, "method": "qlora", "seq_len": 2048, "micro_batch": 2, **_ALL, **_FULL},
    "7b-qlora-plain-constants": {"model": _LLAMA_7B, "method": "qlora", "weights": "nf4", "seq_len": 1024, "micro_batch": 2, **_ALL},
    "13b-qlora": {"model": _LLAMA_13B, "method": "qlora", "seq_len": 1024, "micro_batch": 1, **_ALL, **_FULL},
    "65b-qlora": {"model": "huggyllama/llama-65b", "method": "qlora", "rank": 64, "targets": "all-linear", "seq_len": 512, **_FULL},
    "tiny-prompt": {"model": _TINY, "method": "prompt", "seq_len": 1024, "micro_batch": 8},
    "tiny-prefix": {"model": _TINY, "method": "prefix", "seq_len": 1024, "micro_batch": 8},
    "7b-prompt": {"model": _LLAMA_7B, "method": "prompt", "seq_len": 512, "micro_batch": 4},
    "7b-prefix": {"model": _LLAMA_7B, "method": "prefix", "seq_len": 512, "micro_batch": 4},
    "tiny-dpo": {"model": _TINY, "method": "lora", "objective": "dpo", "seq_len": 512, "micro_batch": 4, **_ALL},
    "7b-dpo": {"model": _LLAMA_7B, "method": "lora", "objective": "dpo", "seq_len": 512, "micro_batch": 2, **_ALL, **_FULL},
    "70b-qlora": {"model": "meta-llama/Llama-2-70b-hf", "method": "qlora", "rank": 64, "targets": "all-linear", "seq_len": 512, **_FULL},
    "qwen3-moe-lora": {"model": "Qwen/Qwen3-30B-A3B", "method": "lora", "rank": 8, "targets": "qkvo", "seq_len": 1024, **_FULL},
    "llama3-lora": {"model": "meta-llama/Llama-3.1-8B", "method": "lora", "seq_len": 2048, **_ALL},
    "mistral-qlora": {"model": "mistralai/Mistral-7B-v0.1", "method": "qlora", "seq_len": 4096, **_ALL, **_FULL},
    "phi-lora": {"model": "microsoft/Phi-3-mini-4k-instruct", "method": "lora", "seq_len": 1024, "micro_batch": 2, **_ALL},
    "pythia-full": {"model": "EleutherAI/pythia-1.4b", "method": "full", "seq_len": 1024, "micro_batch": 4},
    "opt-lora": {"model": "facebook/opt-6.7b", "method": "lora", "seq_len": 1024, "micro_batch": 4, "rank": 8, **_FULL},
    "gpt2-full": {"model": "openai-community/gpt2-xl", "method": "full", "seq_len": 1024, "micro_batch": 2},
    "t5-full": {"model": "google/flan-t5-large", "method": "full", "seq_len": 512, "micro_batch": 8},
    "roberta-classify": {"model": "FacebookAI/roberta-large", "method": "full", "objective": "classify", "seq_len": 256, "micro_batch": 16},
}  # fmt: skip
"""Name of a question -> its options; the card is the one that is there."""


class _Uncounted:
    """Takes the place of the trace's meter: the GPU's own allocator counts here."""

    phase = tag = ""

    def retag(self, tensors: Any, tag: str) -> None:
        """Nothing is counted by term."""


def measure(options: Options) -> dict[str, float]:
    """Peak memory of the second step in GiB, and tokens per second of the steps after it, on the CUDA device."""
    arch = arch_of(options)
    with torch.device("cuda"):
        model = build(options, arch)
        _fill(model)
        optimizer, batch = step.make_optimizer(model, options), step.make_batch(options, arch)

        def once() -> None:
            step.run_step(model, optimizer, batch, options, arch, _Uncounted(), lambda phase: None)  # type: ignore[arg-type]

        once()
        torch.cuda.reset_peak_memory_stats()
        once()
        peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        free, total = torch.cuda.mem_get_info()
        seconds = _timed(once)
    tokens = batch["input_ids"].numel() * TIMED_STEPS
    gib = [round(size / GIB, 3) for size in (*peaks, total - free)]
    return {"allocated_gib": gib[0], "reserved_gib": gib[1], "whole_card_gib": gib[2], "tokens_per_second": round(tokens / seconds, 1)}


def _timed(once: Callable[[], None]) -> float:
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        once()
    torch.cuda.synchronize()
    return time.perf_counter() - began


def _fill(model: nn.Module) -> None:
    """Random numbers for what is trained or multiplied, since a GPU is faster on zeros; the levels of 4-bit codes are spread evenly."""
    for tensor in (*model.parameters(), *model.buffers()):
        with torch.no_grad():
            if tensor.is_floating_point():
                tensor.normal_(std=0.02)
            else:
                tensor.random_(0, 255) if tensor.dtype == torch.uint8 else tensor.zero_()
    for module in model.modules():
        for tokens in getattr(module, "prompt_tokens", {}).values():
            tokens.zero_()
        state = getattr(module, "quant_state", None)
        for holder in (state, getattr(state, "state2", None)):
            if holder is not None:
                holder.code.copy_(torch.linspace(-1, 1, holder.code.numel()))
                holder.absmax.fill_(1) if holder.absmax.is_floating_point() else holder.absmax.random_(0, 255)
        if getattr(state, "offset", None) is not None:
            state.offset.fill_(0.02)


def ask(name: str) -> dict[str, Any]:
    """One question's measurement, with what it was made on."""
    card = torch.cuda.get_device_name().removeprefix("NVIDIA ")
    found = measure(read_options({**QUESTIONS[name], "gpu": card}))
    gc.collect()
    torch.cuda.empty_cache()
    return {"id": name, "day": today(), "gpu": card, "torch": torch.__version__, "options": QUESTIONS[name], **found}


def main(argv: Sequence[str]) -> int:
    if not torch.cuda.is_available():
        print("on_gpu measures on a CUDA device, and torch sees none here", file=sys.stderr)
        return 2
    if unknown := set(argv) - set(QUESTIONS):
        print(f"{', '.join(sorted(unknown))}: no such question; there are {', '.join(QUESTIONS)}", file=sys.stderr)
        return 2
    for name in argv or QUESTIONS:
        kept = {row["id"]: row for row in json.loads(FILE.read_text())} if FILE.exists() else {}
        kept[name] = ask(name)
        print(kept[name], flush=True)
        FILE.write_text("[\n" + ",\n".join(f" {json.dumps(row)}" for row in kept.values()) + "\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
