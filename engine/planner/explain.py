"""Each term's formula with the numbers put in, and where it comes from: what the page shows on hover and in its table."""

from __future__ import annotations

from typing import NamedTuple

from engine.planner.answer import Answer
from engine.planner.memory import GIB
from engine.planner.standing import Part


class Explained(NamedTuple):
    """One term."""

    name: str
    gib: float
    formula: str
    source: str


def explain(a: Answer) -> list[Explained]:
    """Every term of the sum that is not nothing."""
    words = {**_standing(a), **_moving(a)}
    return [Explained(name, value / GIB, *words[name]) for name, value in a.estimate.terms_bytes.items() if value > 0]


def _standing(a: Answer) -> dict[str, tuple[str, str]]:
    held = a.estimate.standing
    sums = {name: " + ".join(product(part) for part in parts if part.total) for name, parts in held.parts.items()}
    gradients = sums["gradients"] or f"one layer at a time of {product(held.one_gradient)}"
    if a.estimate.phase != "step":
        gradients = f"of {gradients}, those that exist at the peak"
    return {
        "weights": (sums["weights"], "config.json; Dettmers et al. 2023, 2305.14314, §3, for 4 bits"),
        "quant_constants": (
            sums["quant_constants"],
            "bitsandbytes/functional.py, quantize_4bit; blocks of 64 and 256; 8 bits: a scale a row",
        ),
        "adapters": (sums["adapters"], "r (in + out) for each target: Hu et al. 2021, 2106.09685, §4.1"),
        "gradients": (gradients, "torch/csrc/autograd/functions/accumulate_grad.cpp"),
        "optimizer": (sums["optimizer"], "torch/optim/adam.py; bitsandbytes/optim"),
        "framework": (f"cuBLAS workspace, {a.gpu.workspace_bytes / 2**20:g} MiB", "aten/src/ATen/cuda/CublasHandlePool.cpp, CUDABlas.cpp"),
    }


def product(part: Part) -> str:
    """A product of a term's sum with its numbers: "6,738,415,616 parameters x 2 bytes / 8 cards"."""
    number = f"{part.number:,.2f}".removesuffix(".00")
    return f"{number} {part.what} x {part.size:.8g} bytes" + (f" / {part.cards} cards" if part.cards > 1 else "")


def _moving(a: Answer) -> dict[str, tuple[str, str]]:
    o, arch = a.options, a.arch
    b = o.micro_batch * (2 if o.objective in ("dpo", "reward") else 1)
    tokens, layers = b * o.seq_len, arch.layers
    kept = {
        "full": f"{layers} layer inputs of {tokens:,} tokens x {arch.hidden:,}",
        "selective": f"inputs of every second layer and all that the others keep, {tokens:,} tokens",
        "none": f"what autograd saves in {layers} layers, {tokens:,} tokens x h = {arch.hidden:,}, i = {arch.inner:,}",
    }[o.checkpointing]
    logit = {
        "legacy": "up to 14 bytes",
        "whole": "up to 12 bytes",
        "inplace": "2 bytes",
        "chunked": "2 bytes and an eighth in fp32",
        "fused": "one part",
    }[o.logits]
    return {
        "activations": (kept, "the layer's own code, played through; Korthikanti et al. 2022, 2205.05198, §4.1"),
        "recomputation": ("what one layer keeps while its gradient is computed", "torch/utils/checkpoint.py, without reentry"),
        "logits": (
            f"{tokens:,} tokens x V = {arch.vocab:,} x {logit}",
            "transformers/loss/loss_utils.py; Hsu et al. 2024, 2410.10989, §3.2",
        ),
        "dequantization": ("one matrix unpacked to 16 bits", "bitsandbytes/autograd/_functions.py, MatMul4Bit.backward"),
        "temporaries": (
            "what the operator at work needs beside its result, and what the optimizer's step or several cards add",
            "derivatives.yaml; torch/optim/adam.py",
        ),
    }
