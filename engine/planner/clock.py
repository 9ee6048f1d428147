"""Time, from counted operations and measured efficiency; cost, from time and the price band; storage."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from engine.planner.arch import Arch
from engine.planner.hardware import Gpu
from engine.planner.options import Options

_FILE = Path(__file__).with_name("constants.json")
MEASURED_ON = "A100 80GB SXM"
ELSEWHERE = (0.65, 1.0, 1.2)
"""Factors on the band of efficiency for cards on which nothing was measured: an assumption, and labelled so."""

HOST_MS = {"full": 1.2, "lora": 1.8, "qlora": 3.0}
"""Milliseconds that the processor needs to start the kernels of one layer once (about two rounds backward); other methods as full. Set on
engine/planner/on_gpu.json: PyTorch 2.11 without compilation, on the virtual machine of an H100."""
HOST_FACTORS = (0.5, 2.0)
"""A processor twice as fast, and one half as fast: an assumption."""


class Efficiency(NamedTuple):
    """Share of the card's dense rate that the counted operations reach: low, middle, high."""

    low: float
    middle: float
    high: float
    assumed: bool


def flops_per_token(options: Options, arch: Arch) -> float:
    """Operations for one token, forward and backward.

    2 N forward for the N matrix weights a token meets; twice that again backward, half of which (the weights' gradients) falls
    away where weights are frozen; one more forward where layers are recomputed. Attention adds 4 s a d a layer forward, half
    of it under a causal mask. Kaplan et al. 2020, 2001.08361, §2.1; Korthikanti et al. 2022, 2205.05198, App. A.
    """
    o = options
    matrices = arch.active_params - arch.embed_params + (arch.embed_params if arch.tied else 0)
    if o.objective == "classify" or arch.encoder_only:
        matrices = arch.active_params - arch.embed_params - arch.head_params
    attention = 4.0 * o.seq_len * arch.heads * arch.head_dim * arch.layers * (0.5 if arch.block not in ("bert", "t5") else 1.0)
    forward = 2.0 * matrices + attention
    backward = (4.0 if o.method == "full" else 2.0) * matrices + 2 * attention
    if o.method == "head":
        return forward
    again = {"none": 0.0, "selective": 0.5, "full": 1.0}[o.checkpointing]
    total = forward + backward + again * forward
    if o.objective in ("dpo", "rlhf") and o.reference != "precomputed":
        total += forward
    return total


@cache
def constants() -> dict[str, dict[str, list[float]]]:
    """Everything that was set from measured rows, with its origin; see accuracy.py."""
    found: dict[str, dict[str, list[float]]] = json.loads(_FILE.read_bytes())
    return found


def efficiency(options: Options, gpu: Gpu) -> Efficiency:
    """Measured band for the method; wider, and marked as assumed, on other cards than the one it was measured on."""
    method = options.method if options.method in ("full", "lora", "qlora") else "lora"
    low, middle, high = constants()["efficiency"][f"{method}/{options.software}" if options.software == "hf-triton" else method]
    if gpu.name.startswith("A100 80GB"):
        return Efficiency(low, middle, high, False)
    return Efficiency(low * ELSEWHERE[0], middle * ELSEWHERE[1], min(high * ELSEWHERE[2], 0.9), True)


def tokens_per_second(options: Options, arch: Arch, gpu: Gpu) -> tuple[float, float] | None:
    """Band for all GPUs together; None where the card's rate is not known. It ends where the GPU would wait for the processor that
    starts its kernels. Several cards lose some to talking: 5% to 25% assumed.
    """
    if gpu.tflops is None:
        return None
    band = efficiency(options, gpu)
    rate = gpu.tflops * 1e12 / (2.0 if options.weights == "fp32" and options.autocast == "none" else 1.0) / flops_per_token(options, arch)
    low, high = (0.75, 0.95) if options.gpus > 1 else (1.0, 1.0)
    slower = 0.5 if options.offload == "all" else 1.0
    tokens = (
        options.micro_batch * options.seq_len * (2 if options.objective in ("dpo", "reward") else 1)
    )  # of one micro-batch; pairs count twice
    fastest, slowest = (tokens / (factor * host_seconds(options, arch)) for factor in HOST_FACTORS)
    return min(rate * band.low, slowest) * options.gpus * low * slower, min(rate * band.high, fastest) * options.gpus * high


def host_seconds(options: Options, arch: Arch) -> float:
    """What one micro-batch costs the processor that starts the kernels; where this is longer than the GPU's own time, the GPU waits."""
    backward = 0.0 if options.method == "head" else 2.0
    again = {"none": 0.0, "selective": 0.5, "full": 1.0}[options.checkpointing]
    reference = 1.0 if options.objective in ("dpo", "rlhf") and options.reference != "precomputed" else 0.0
    return arch.layers * (1 + backward + again + reference) * HOST_MS.get(options.method, HOST_MS["full"]) / 1000


def hours(options: Options, rate: tuple[float, float] | None) -> tuple[float, float] | None:
    """Band of hours for all tokens and epochs."""
    if rate is None or options.tokens is None:
        return None
    work = options.tokens * options.epochs / 3600
    return work / rate[1], work / rate[0]


def cost(options: Options, gpu: Gpu, time: tuple[float, float] | None) -> tuple[float, float] | None:
    """Band in US dollars: hours x GPUs x price per GPU and hour."""
    low, high = (options.price, options.price) if options.price is not None else (gpu.price_low, gpu.price_high)
    if time is None or low is None or high is None:
        return None
    return time[0] * options.gpus * low, time[1] * options.gpus * high
