"""Time, from counted operations and written bytes; cost, from time and the price band."""

from __future__ import annotations

import json
from functools import cache
from operator import mul
from pathlib import Path
from typing import NamedTuple

from engine.planner.arch import Arch
from engine.planner.hardware import Gpu
from engine.planner.memory import monomials, task_of
from engine.planner.options import Options
from engine.planner.standing import other_models, standing, trainable_count
from engine.planner.tape.program import play

_FILE = Path(__file__).with_name("constants.json")
MEASURED_ON = "A100 80GB SXM"
WIDENED = (0.65, 1.2)
"""Factors on the ends of the band of speed for a card, and again for a way of training, on which nothing was measured: an assumption,
and labelled so."""
MOST_CARDS = 4
"""The most cards that speed was measured on."""
MEMORY_SHARES = (0.5, 0.9)
"""What a memory or a link gives of its listed rate: an assumption."""

HOST_MS = {"full": 1.2, "lora": 1.8, "qlora": 3.0}
"""Milliseconds that the processor needs to start the kernels of one layer once (about two rounds backward); other methods as full. Set on
engine/planner/on_gpu.json: PyTorch 2.11 without compilation, on the virtual machine of an H100."""
HOST_FACTORS = (0.5, 2.0)
"""A processor twice as fast, and one half as fast: an assumption."""


STEP_WRITES = {
    "adamw": (8, 0), "adamw-fused": (3, 0), "adamw-8bit": (1, 2), "paged-adamw-32bit": (1, 8), "paged-adamw-8bit": (1, 2),
    "adafactor": (7, 0), "sgd": (1, 0),
}  # fmt: skip
"""What an optimizer writes for each parameter it trains: numbers of the parameter's own width, and bytes beside. torch's foreach AdamW goes over
all parameters eight times (torch/optim/adam.py, _multi_tensor_adam); fused, it writes parameter and two states once."""


class Band(NamedTuple):
    """Factors on the speed that counted work gives."""

    low: float
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
    again = {"none": 0.0, "selective": 0.5, "full": 1.0}[o.checkpointing]
    learning = forward if o.method == "head" else forward + backward + again * forward
    learners, readers = passes(o)
    return learners * learning + readers * forward


def passes(options: Options) -> tuple[int, int]:
    """Models that learn from each token, and forward passes beside them.

    DPO reads both answers with the reference too. RLHF: policy and value model learn; what was generated is read by the policy, by the
    reference, by the reward model and by the value model (Ouyang et al. 2022, 2203.02155, App. C; one epoch over each batch).
    """
    reference = int(options.objective in ("dpo", "rlhf") and options.reference != "precomputed")
    return (2, 3 + reference) if options.objective == "rlhf" else (1, reference)


@cache
def constants() -> dict[str, dict[str, list[float]]]:
    """Everything that was set from measured rows, with its origin; see accuracy.py."""
    found: dict[str, dict[str, list[float]]] = json.loads(_FILE.read_bytes())
    return found


def computes_in(options: Options) -> str:
    """The type of the matrix products: fp32, bf16 or fp16. Weights in fp16 are for cards without bf16, where autocast is fp16 too."""
    if options.weights == "fp16":
        return "fp16"
    return "fp32" if options.weights == "fp32" and options.autocast == "none" else "bf16"


def dense_tflops(options: Options, gpu: Gpu) -> float | None:
    """The card's rate for the question's type. A card without bf16 computes it in fp32."""
    kind = computes_in(options)
    if gpu.tflops is not None and (kind == "fp32" or (kind == "bf16" and not gpu.has_bf16)):
        return gpu.tflops_fp32 or gpu.tflops / 2
    return gpu.tflops


def assumptions(options: Options, gpu: Gpu) -> int:
    """How many sides of the question no speed was measured for, so that its band is widened as often: the card; the way of training; the number
    of cards."""
    o = options
    way = o.method not in ("full", "lora", "qlora") or o.objective != "sft" or computes_in(o) == "fp32" or bool(moved_kinds(o))
    return (not gpu.name.startswith("A100 80GB")) + way + (o.gpus > MOST_CARDS)


def speed_band(options: Options, gpu: Gpu) -> Band:
    """What rows of the method kept or gained against the counted work; wider, and marked as assumed, for what was not measured."""
    low, high = constants()["speed_error"][options.method if options.method in ("full", "lora", "qlora") else "lora"]
    count = assumptions(options, gpu)
    return Band((1 + low) * WIDENED[0] ** count, (1 + high) * WIDENED[1] ** count, count > 0 or options.gpus > 1)


def written_bytes(options: Options, arch: Arch) -> float:
    """What the kernels of one micro-batch write on one card: every tensor that the played-through step makes, dead ones too, and the optimizer's
    passes over what it trains. A model that only reads makes the forward pass's."""
    o = options
    basis = monomials(o, o.micro_batch, o.seq_len)
    forward, backward = (sum(map(mul, values, basis)) for values in play(task_of(o, arch)).written.values())
    learners, readers = passes(o)
    return float(learners * (forward + backward) + readers * forward + step_bytes(o, arch) / o.accumulation)


def step_bytes(options: Options, arch: Arch) -> float:
    """What one card's share of the optimizer's step writes; nothing where the processor takes it."""
    o = options
    if o.offload != "none":
        return 0.0
    numbers, more = STEP_WRITES[o.optimizer]
    width = 4 if o.trainable_dtype == "fp32" else 2
    copied = 2 if o.method == "full" and width == 4 and o.weights in ("bf16", "fp16") else 0
    learners, _ = passes(o)
    return learners * trainable_count(o, arch) * (numbers * width + more + copied) / (o.gpus if o.sharding != "ddp" else 1)


def card_parts(options: Options, arch: Arch, gpu: Gpu) -> tuple[float, float] | None:
    """Seconds of one micro-batch at the card's listed rate and at its listed bandwidth, each written byte once."""
    rate = dense_tflops(options, gpu)
    if rate is None or gpu.bandwidth_gb_s is None:
        return None
    tokens = options.micro_batch * options.seq_len * (2 if options.objective in ("dpo", "reward") else 1)  # pairs count twice
    return tokens * flops_per_token(options, arch) / (rate * 1e12), written_bytes(options, arch) / (gpu.bandwidth_gb_s * 1e9)


def tokens_per_second(options: Options, arch: Arch, gpu: Gpu) -> tuple[float, float] | None:
    """Band for all GPUs together; None where the card's rate or bandwidth is not known.

    Matrix products take their operations at a share of the card's rate, and everything is written and read at its bandwidth (a roofline
    of two terms, added: Williams et al. 2009). Both factors are the same for all methods, models and programs. It ends where the GPU would wait
    for the processor that starts its kernels. What is moved to the processor's memory and back may go on beside the computing (fast end)
    or after it (slow end).
    """
    parts = card_parts(options, arch, gpu)
    if parts is None:
        return None
    o, band = options, speed_band(options, gpu)
    work = sum(map(mul, constants()["pace"]["factors"], parts))
    host = host_seconds(o, arch)
    fast, slow = max(work / band.high, parts[0], HOST_FACTORS[0] * host), max(work / band.low, HOST_FACTORS[1] * host)
    if o.gpus > 1:
        kept = constants()["several_cards"]["kept"]
        slow, fast = slow / kept[0], fast / kept[-1]
    moved = moved_bytes(o, arch) / ((gpu.host_gb_s or 31.5) * 1e9)
    fast, slow = max(fast, moved / MEMORY_SHARES[1] * (o.offload != "none")), slow + moved / MEMORY_SHARES[0]
    if o.objective == "rlhf":
        generated = generation_seconds(o, arch, gpu)
        fast, slow = fast + generated[0], slow + generated[1]
    tokens = o.micro_batch * o.seq_len * (2 if o.objective in ("dpo", "reward") else 1) * o.gpus
    return tokens / slow, tokens / fast


def moved_kinds(options: Options) -> str:
    """What travels between the card and the processor's memory: "", optimizer, all or paged."""
    return options.offload if options.offload != "none" else "paged" * options.optimizer.startswith("paged")


def moved_bytes(options: Options, arch: Arch) -> float:
    """Bytes that one card moves for each micro-batch, to the processor's memory and from it.

    Optimizer on the processor: gradients out, new weights in, once a step (Ren et al. 2021, 2101.06840, §4). Weights there too: in for the
    forward pass and in for the backward pass of every micro-batch, gradients out. Paged states: in and out once a step at the slow
    end of the band; at the fast end there is room and they stay on the card (Dettmers et al. 2023, 2305.14314, §4).
    """
    o, held = options, standing(options, arch)
    kind = moved_kinds(o)
    if not kind:
        return 0.0
    cards = o.gpus if o.sharding != "ddp" else 1
    gradients = held.gradients_bytes
    weights = sum(part.total for name in ("weights", "quant_constants") for part in held.parts[name])
    trained = weights if o.method == "full" else sum(part.total for part in held.parts["adapters"])
    states = held.gradients_bytes / held.one_gradient.size * (8.0 if o.optimizer == "paged-adamw-32bit" else 2.0)
    each = {
        "optimizer": (gradients + trained) / o.accumulation, "all": 2 * weights + gradients, "paged": 2 * states / o.accumulation,
    }[kind]  # fmt: skip
    return each / cards


def generation_seconds(options: Options, arch: Arch, gpu: Gpu) -> tuple[float, float]:
    """Fast and slow end of writing the second half of each sequence of a micro-batch, token by token.

    Each token of the batch needs all weights that it meets read once, or the kernels of all layers started, whichever takes longer;
    keys and values are small beside them. Assumed: half of the sequence is the prompt.
    """
    held = standing(options, arch)
    one_model = sum(part.total for name in ("weights", "quant_constants") for part in held.parts[name]) / (1 + len(other_models(options)))
    read = one_model * arch.active_params / arch.total_params
    speed = (gpu.host_gb_s if options.offload == "all" else gpu.bandwidth_gb_s) or gpu.host_gb_s or 31.5
    host = arch.layers * HOST_MS["full"] / 1000
    fast, slow = (
        max(read / (speed * 1e9 * share), factor * host) * options.seq_len / 2
        for share, factor in zip(reversed(MEMORY_SHARES), HOST_FACTORS, strict=True)
    )
    return fast, slow


def host_seconds(options: Options, arch: Arch) -> float:
    """What one micro-batch costs the processor that starts the kernels; where this is longer than the GPU's own time, the GPU waits."""
    backward = 0.0 if options.method == "head" else 2.0
    again = {"none": 0.0, "selective": 0.5, "full": 1.0}[options.checkpointing]
    learners, readers = passes(options)
    return arch.layers * (learners * (1 + backward + again) + readers) * HOST_MS.get(options.method, HOST_MS["full"]) / 1000


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
