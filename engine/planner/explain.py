"""Each term's formula with the numbers put in, and where it comes from: what the page shows on hover and in its table."""

from __future__ import annotations

from typing import NamedTuple

from engine.planner.answer import Answer
from engine.planner.memory import GIB
from engine.planner.options import FOUR_BIT, QUANTIZED
from engine.planner.standing import total_count

_WIDTH = {"fp32": 4, "bf16": 2, "fp16": 2, "int8": 1}


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
    o, arch, held = a.options, a.arch, a.estimate.standing
    total, trained = total_count(o, arch), held.trainable_params
    share = f" / {o.gpus} cards" if o.gpus > 1 and o.sharding in ("zero3", "fsdp") else ""
    states = f" / {o.gpus} cards" if o.gpus > 1 and o.sharding != "ddp" else ""
    width = _WIDTH[o.trainable_dtype]
    packed = arch.linear_params + arch.expert_params
    if o.weights in QUANTIZED:
        per = "1/2 byte" if o.weights in FOUR_BIT else "1 byte"
        weights = f"{packed:,} quantized x {per} + {total - packed:,} others x {4 if o.kbit_prepare else 2} bytes{share}"
        constants = f"{packed:,} / 64 x (1 byte + 4 bytes / 256)" if o.weights == "nf4-dq" else f"{packed:,} / 64 x 4 bytes"
    else:
        weights, constants = f"{total:,} parameters x {_WIDTH[o.weights]} bytes{share}", ""
    optimizers = {
        "adamw": f"2 states x {width} bytes", "adamw-fused": f"2 states x {width} bytes", "adamw-8bit": "2 states x 1 byte + 8 bytes / 256",
        "adafactor": "row and column sums, about 1%",
    }  # fmt: skip
    return {
        "weights": (weights, "config.json; Dettmers et al. 2023, 2305.14314, §3, for 4 bits"),
        "quant_constants": (constants, "bitsandbytes/functional.py, quantize_4bit; blocks of 64 and 256"),
        "adapters": (f"{trained:,} trained x {width} bytes{share}", "r (in + out) for each target: Hu et al. 2021, 2106.09685, §4.1"),
        "gradients": (
            f"up to {trained:,} trained x {width} bytes, those that exist at the peak",
            "torch/csrc/autograd/functions/accumulate_grad.cpp",
        ),
        "optimizer": (
            f"{trained:,} trained x {optimizers.get(o.optimizer, 'nothing on the card')}{states}",
            "torch/optim/adam.py; bitsandbytes/optim",
        ),
        "framework": (f"cuBLAS workspace, {a.gpu.workspace_bytes / 2**20:g} MiB", "aten/src/ATen/cuda/CublasHandlePool.cpp, CUDABlas.cpp"),
    }


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
