"""What stands in memory whatever the batch: weights, quantization constants, adapters, gradients, optimizer states."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.planner.arch import Arch
from engine.planner.hardware import find_gpu
from engine.planner.options import FOUR_BIT, QUANTIZED, Options
from engine.planner.targets import adapted

_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}


class Part(NamedTuple):
    """One product of a term's sum: `number` things of `size` bytes each, shared by so many cards."""

    number: float
    size: float
    what: str
    cards: int = 1

    @property
    def total(self) -> float:
        return self.number * self.size / self.cards


class Standing(NamedTuple):
    """Bytes that one GPU holds between steps, and what the forward and backward pass and the optimizer's step add whatever the batch."""

    parts: dict[str, tuple[Part, ...]]
    """weights, quant_constants, adapters, optimizer, framework, and gradients (those that the step works on): what each is the sum of."""
    step_bytes: float
    """Temporaries of the optimizer's step."""
    trainable_params: int
    total_params: int
    one_gradient: Part
    """The gradients of the model whose pass is played through."""
    waiting: float
    """Share of all gradients that stands through the forward and backward pass: those of an earlier micro-batch or of another model."""
    gradient_share: float = 1.0
    """Of the gradients that the backward pass makes, the part that stays on this GPU."""
    gathered_bytes: float = 0.0
    """Forward and backward: weights that are gathered from other GPUs or from the CPU."""
    arriving_bytes: float = 0.0
    """Backward: gradients that are whole until they are reduced or moved."""
    bucket_bytes: float = 0.0
    """Always: the buckets in which gradients travel."""

    @property
    def terms_bytes(self) -> dict[str, float]:
        """What is always there, by term."""
        return {name: sum(part.total for part in parts) for name, parts in self.parts.items() if name != "gradients"}

    @property
    def always_bytes(self) -> float:
        return sum(self.terms_bytes.values()) + self.bucket_bytes

    @property
    def gradients_bytes(self) -> float:
        return sum(part.total for part in self.parts["gradients"])


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
    """Sizes on one GPU, before they are shared among several."""
    o = options
    total, trained = total_count(o, arch), trainable_count(o, arch)
    others = other_models(o)
    sizes = ["", *(f" of {name}" for name in others)]
    learners = 1 + ("the value model" in others)
    learning = learners * trained
    weights, constants = weight_parts(o, arch, total)
    state, master, temporary, gradient = optimizer_sizes(o)
    trains = "trained" if learners == 1 else "trained in policy and value model"
    parts = {
        "weights": tuple(part._replace(what=part.what + size) for size in sizes for part in weights),
        "quant_constants": tuple(part._replace(what=part.what + size) for size in sizes for part in constants),
        "adapters": (Part(learning, _BYTES[o.trainable_dtype], trains),) if o.method != "full" else (),
        "optimizer": (Part(learning, state, f"states of {trains}"),) + ((Part(learning, master, "fp32 master copies"),) if master else ()),
        "gradients": (Part(learning, gradient, trains),),
        "framework": (Part(find_gpu(o.gpu).workspace_bytes, 1, "of cuBLAS workspace"),),
    }
    return Standing(
        parts, learning * temporary, trained, total + (0 if o.method in ("full", "head") else trained),
        Part(trained, gradient, "trained"), 1.0 if o.accumulation > 1 else 1 - 1 / learners,
    )  # fmt: skip


def other_models(options: Options) -> list[str]:
    """Models of the policy's size that preference and reinforcement methods hold beside it. The value model learns as the policy does, in
    a pass of its own after the policy's."""
    copied = options.objective in ("dpo", "rlhf") and options.reference == "copy"
    return ["the reference"] * copied + ["the reward model", "the value model"] * (options.objective == "rlhf")


def experts_are_linear(options: Options) -> bool:
    """Experts are matrices of their own in transformers 4 (the code with the legacy loss) and in other programs. transformers 5 keeps all
    of a layer's in one tensor, which bitsandbytes does not touch."""
    return options.logits == "legacy" or options.software != "hf"


def weight_parts(options: Options, arch: Arch, total: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The weights and their quantization constants.

    4 bit: half a byte an element of the matrices in layers; one scale for 64 of them, fp32 or, quantized again, 8 bit with an
    fp32 scale for 256 of those (Dettmers et al. 2023, 2305.14314, §3). 8 bit: one byte, an fp32 scale for each output row.
    Embeddings, head, norms and biases stay in 16 bits, or in fp32 after kbit_prepare; so do experts that are no matrices of their own.
    """
    if options.weights not in QUANTIZED:
        return (Part(total, _BYTES[options.weights], "parameters"),), ()
    packed = arch.linear_params + (arch.expert_params if experts_are_linear(options) else 0)
    rest = Part(total - packed, 4 if options.kbit_prepare else 2, "others")
    if options.weights in FOUR_BIT:
        size = 1 + 4 / 256 if options.weights == "nf4-dq" else 4
        return (Part(packed, 0.5, "quantized"), rest), (Part(packed / 64, size, "blocks"),)
    rows = sum(stack.layers * sum(m.out for m in stack.linears) for stack in arch.stacks)
    return (Part(packed, 1, "quantized"), rest), (Part(rows, 4, "rows"),)


def optimizer_sizes(options: Options) -> tuple[float, float, float, float]:
    """Bytes for each trained parameter: states, fp32 master copy, the step's temporaries, gradient.

    AdamW keeps two numbers a parameter in its own type; torch's foreach version, the default on a GPU, makes one more for all
    parameters at once (torch/optim/adam.py, _multi_tensor_adam). 8-bit states: 2 bytes and two fp32 scales for 256.
    """
    o = options
    width = _BYTES[o.trainable_dtype]
    master = 4 if o.method == "full" and o.trainable_dtype == "fp32" and o.weights in ("bf16", "fp16") else 0
    state = {
        "adamw": 2.0 * width, "adamw-fused": 2.0 * width, "adamw-8bit": 2 + 8 / 256, "paged-adamw-32bit": 0.0, "paged-adamw-8bit": 0.0,
        "adafactor": 0.01 * width, "sgd": 0.0,
    }[o.optimizer]  # fmt: skip
    return state, master, float(width) if o.optimizer == "adamw" else 0.0, 2 if master else width
