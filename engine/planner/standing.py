"""What stands in memory whatever the batch: weights, quantization constants, adapters, gradients, optimizer states."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.planner.arch import Arch
from engine.planner.hardware import find_gpu
from engine.planner.options import FOUR_BIT, QUANTIZED, Options
from engine.planner.targets import adapted

_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}


class Standing(NamedTuple):
    """Bytes that one GPU holds between steps, and what the optimizer's step adds."""

    terms_bytes: dict[str, float]
    """weights, quant_constants, adapters, optimizer, framework."""
    always_bytes: float
    gradients_bytes: float
    step_bytes: float
    """Temporaries of the optimizer's step."""
    trainable_params: int
    total_params: int


def trainable_count(options: Options, arch: Arch) -> int:
    """Parameters that the method trains."""
    o = options
    if o.method == "full":
        return total_count(o, arch)
    if o.method in ("lora", "qlora"):
        extra = head_count(arch) if o.objective in ("classify", "reward") else 0
        return o.rank * sum(count * (m.out + m.inp) for count, m in adapted(o.targets, arch)) + extra
    if o.method == "prompt":
        return o.virtual_tokens * arch.embed_width * len(arch.stacks)
    if o.method == "prefix":
        return o.virtual_tokens * 2 * arch.stacks[-1].layers * arch.kv_heads * arch.head_dim
    return head_count(arch)


def head_count(arch: Arch, classes: int = 2) -> int:
    """Parameters of the classification head that transformers puts on this family."""
    if arch.family == "roberta":
        return arch.hidden * arch.hidden + arch.hidden + classes * (arch.hidden + 1)
    if arch.encoder_decoder:
        return arch.hidden * arch.hidden + arch.hidden + classes * (arch.hidden + 1)
    return classes * (arch.hidden + (1 if arch.encoder_only else 0))


def total_count(options: Options, arch: Arch) -> int:
    """Parameters of the model as it is loaded for the objective: a classifier has a small head in place of the output matrix."""
    if options.objective in ("classify", "reward") or arch.encoder_only:
        pooler = sum(m.params for m in arch.outer if m.role == "pool") if arch.family == "roberta" else 0
        return arch.total_params - arch.head_params - pooler + head_count(arch)
    return arch.total_params


@lru_cache(maxsize=4096)
def standing(options: Options, arch: Arch) -> Standing:
    """Sizes before sharding."""
    o = options
    total, trained = total_count(o, arch), trainable_count(o, arch)
    weights, constants = weight_bytes(o, arch, total)
    states, temporary, gradient = optimizer_bytes(o, trained)
    if o.method != "full":
        weights_term, adapters = weights, trained * _BYTES[o.trainable_dtype]
    else:
        weights_term, adapters = weights, 0
    terms = {"weights": float(weights_term), "quant_constants": constants, "adapters": float(adapters), "optimizer": states,
             "framework": float(find_gpu(o.gpu).workspace_bytes)}  # fmt: skip
    return Standing(terms, sum(terms.values()), gradient, temporary, trained, total + (0 if o.method in ("full", "head") else trained))


def weight_bytes(options: Options, arch: Arch, total: int) -> tuple[float, float]:
    """Bytes of the weights and of their quantization constants.

    4 bit: half a byte an element of the matrices in layers; one scale for 64 of them, fp32 or, quantized again, 8 bit with an
    fp32 scale for 256 of those (Dettmers et al. 2023, 2305.14314, §3). 8 bit: one byte, an fp32 scale for each output row.
    Embeddings, head, norms and biases stay in 16 bits, or in fp32 after kbit_prepare.
    """
    if options.weights not in QUANTIZED:
        return total * _BYTES[options.weights], 0.0
    packed = arch.linear_params + arch.expert_params
    rest = (total - packed) * (4 if options.kbit_prepare else 2)
    if options.weights in FOUR_BIT:
        blocks = packed / 64
        constants = blocks * (1 + 4 / 256) if options.weights == "nf4-dq" else blocks * 4
        return packed / 2 + rest, constants
    rows = sum(stack.layers * sum(m.out for m in stack.linears) for stack in arch.stacks)
    return packed + rest, rows * 4.0


def optimizer_bytes(options: Options, trained: int) -> tuple[float, float, float]:
    """Bytes of states, of the step's temporaries, and of gradients.

    AdamW keeps two numbers a parameter in its own type; torch's foreach version, the default on a GPU, makes one more for all
    parameters at once (torch/optim/adam.py, _multi_tensor_adam). 8-bit states: 2 bytes and two fp32 scales for 256.
    """
    o = options
    width = _BYTES[o.trainable_dtype]
    master = 4 * trained if o.method == "full" and o.trainable_dtype == "fp32" and o.weights in ("bf16", "fp16") else 0
    gradient = trained * (2 if master else width)
    states = {
        "adamw": 2.0 * width, "adamw-fused": 2.0 * width, "adamw-8bit": 2 + 8 / 256, "paged-adamw-32bit": 0.0, "paged-adamw-8bit": 0.0,
        "adafactor": 0.01 * width, "sgd": 0.0,
    }[o.optimizer] * trained  # fmt: skip
    temporary = trained * float(width) if o.optimizer == "adamw" else 0.0
    return states + master, temporary, float(gradient)
