"""Peak memory of one GPU as a sum of terms: what stands all the time, and what the played-through step adds at its worst moment."""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from typing import Any, NamedTuple

from engine.planner.arch import Arch
from engine.planner.options import FOUR_BIT, QUANTIZED, Options
from engine.planner.sharding import shared_standing
from engine.planner.standing import Standing, experts_are_linear
from engine.planner.tape.core import TAGS
from engine.planner.tape.linear import Setting
from engine.planner.tape.loss import CHUNKS, Loss
from engine.planner.tape.program import Program, Table, Task, play
from engine.planner.targets import adapted

GIB = 2**30
_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
TERMS = (
    "weights", "quant_constants", "adapters", "gradients", "optimizer", "activations", "recomputation", "logits", "dequantization",
    "temporaries", "framework",
)  # fmt: skip
LOGITS, GRADIENTS = TAGS.index("logits"), TAGS.index("gradients")


class Estimate(NamedTuple):
    """Bytes of one GPU's allocator at the worst moment of a steady step."""

    peak_bytes: float
    terms_bytes: dict[str, float]
    """By term; they sum to the peak."""
    phase: str
    """forward, backward or step."""
    phase_peaks_bytes: dict[str, float]
    standing: Standing
    loss_bytes: float
    """The most that logits and loss take at any moment."""
    copy_bytes: float
    """The fp32 copy of the logits that comes and goes beside the peak; see `spare_bytes`."""
    idle_bytes: float
    """The logits' own segment, empty at the loss's peak."""
    moving_bytes: float
    """The most that comes and goes within the forward and backward pass beside logits and loss; gradients stay, so they are not counted."""


class Played(NamedTuple):
    """The moments of one step on one GPU, for any number of batches and lengths. The one source of the answer, the map and the timeline."""

    held: Standing
    phases: tuple[str, ...]
    coefficients: Table
    """(moments, tags, monomials): what comes and goes, of gradients only the part that stays on this GPU."""
    beside_bytes: dict[str, float]
    """By phase: what stands beside it."""


def played(options: Options, arch: Arch, program: Program | None = None) -> Played:
    """A step's moments, shared among several GPUs where there are several."""
    held = shared_standing(options, arch)
    program = program or play(task_of(options, arch))
    coefficients = program.coefficients
    if held.gradient_share != 1.0:
        shares = [held.gradient_share if tag == "gradients" else 1.0 for tag in TAGS]
        coefficients = tuple(
            tuple(tuple(share * value for value in values) for share, values in zip(shares, moment, strict=True)) for moment in coefficients
        )
    forward = held.always_bytes + held.gradients_bytes * held.waiting + held.gathered_bytes
    beside = {"load": held.always_bytes, "forward": forward, "backward": forward + held.arriving_bytes,
              "step": held.always_bytes + held.gradients_bytes + held.step_bytes}  # fmt: skip
    return Played(held, program.phases, coefficients, beside)


def terms_beside(held: Standing, phase: str) -> dict[str, float]:
    """What stands beside a phase's own tensors, by term."""
    terms = {**dict.fromkeys(TERMS, 0.0), **held.terms_bytes}
    terms["temporaries"] = held.bucket_bytes
    if phase == "step":
        terms["gradients"], terms["temporaries"] = held.gradients_bytes, held.bucket_bytes + held.step_bytes
    elif phase in ("forward", "backward"):
        terms["gradients"] = held.gradients_bytes * held.waiting
        terms["temporaries"] += held.gathered_bytes + (held.arriving_bytes if phase == "backward" else 0.0)
    return terms


def estimate(options: Options, arch: Arch) -> Estimate:
    """The peak for the question's own batch and length."""
    step = played(options, arch)
    basis = monomials(options, options.micro_batch, options.seq_len)
    by_tag = [[sum(map(mul, values, basis)) for values in moment] for moment in step.coefficients]
    totals = [sum(moment) for moment in by_tag]
    peaks = dict(step.beside_bytes)
    for phase in ("forward", "backward"):
        peaks[phase] += max((total for total, name in zip(totals, step.phases, strict=True) if name == phase), default=0.0)
    phase = max(("forward", "backward", "step"), key=lambda name: peaks[name])
    terms = terms_beside(step.held, phase)
    if phase != "step":
        worst = max((i for i, name in enumerate(step.phases) if name == phase), key=lambda i: totals[i])
        for number, tag in enumerate(TAGS):
            terms[tag] += by_tag[worst][number]
    loss = max(moment[LOGITS] for moment in by_tag)
    gathered = gathered_bytes(step)
    moving = max(total - moment[GRADIENTS] - moment[LOGITS] + more for total, moment, more in zip(totals, by_tag, gathered, strict=True))
    return Estimate(peaks[phase], terms, phase, peaks, step.held, loss, *spare_bytes(options, arch, basis), moving)


def spare_bytes(options: Options, arch: Arch, basis: tuple[Any, ...]) -> tuple[Any, Any]:
    """What the loss has beside its peak, copy and idle segment: nothing where linear and loss are one, or for a few classes.

    transformers 5 (`whole`) lets go of the 16-bit logits before three fp32 tensors live at once, each larger than the segment that the logits
    leave. T5 makes no fp32 copy. Older code and kernels: the fp32 copy, of one part where the loss takes parts. No idle segment where lengths
    vary, since all of the loss counts there. `basis`: as `monomials`.
    """
    task = task_of(options, arch)
    logits = arch.vocab * basis[3]
    narrow = arch.block != "t5" and (task.autocast or task.head_bytes == 2)
    copy = {"legacy": 4.0, "inplace": 4.0, "chunked": 4 / CHUNKS}.get(task.loss.kind, 0.0)
    idle = 2.0 * (task.loss.kind == "whole" and narrow and not options.dynamic_padding)
    return copy * logits, idle * logits


def gathered_bytes(step: Played) -> list[float]:
    """By moment: weights and gradients that are whole on this GPU for a while."""
    return [step.held.gathered_bytes + step.held.arriving_bytes * (phase == "backward") for phase in step.phases]


def monomials(options: Options, batch: Any, length: Any) -> tuple[Any, ...]:
    """1, s, b, b·s, b·s², s² with what the method adds: pairs double the batch, a prompt lengthens the sequence. Numbers, or arrays of them."""
    b = batch * (2 if options.objective in ("dpo", "reward") else 1)
    s = length + (options.virtual_tokens if options.method == "prompt" else 0)
    return 1.0, s, b, b * s, b * s * s, s * s


@lru_cache(maxsize=512)
def _adapted_paths(targets: str, arch: Arch) -> frozenset[str]:
    return frozenset(module.path for _, module in adapted(targets, arch))


def task_of(options: Options, arch: Arch) -> Task:
    """The part of a question that decides how a step is played; batch, length and hardware are left out."""
    o = options
    quantized = o.weights in QUANTIZED
    width = _BYTES.get(o.weights, 2)
    upcast = o.kbit_prepare
    if o.method == "full" and o.trainable_dtype == "fp32" and o.weights != "fp32":
        width = 2
    setting = Setting(
        arch=arch,
        weight_bytes=4 if upcast else width,
        norm_bytes=4 if upcast else width,
        trains=o.method == "full",
        quantized=quantized,
        adapted=_adapted_paths(o.targets, arch) if o.method in ("lora", "qlora") else frozenset(),
        rank=o.rank if o.method in ("lora", "qlora") else 0,
        adapter_bytes=_BYTES[o.trainable_dtype],
        eager=o.attention == "eager" or (o.attention == "sdpa" and arch.family in ("gemma2", "bloom")),
        dropout=0.1 if arch.block in ("gpt2", "bert", "t5") or arch.family == "opt" else 0.0,
        attention_dropout=0.1 if arch.block in ("gpt2", "bert", "t5") else 0.0,
        extra_keys=o.virtual_tokens if o.method == "prefix" else 0,
        padded=o.dynamic_padding and o.attention != "flash",  # flash attention leaves padding out and needs no mask
        fused=o.software == "hf-triton",
        litgpt=o.software == "litgpt",
        expert_loop=experts_are_linear(o),
        sharded=o.offload == "all" or (o.gpus > 1 and o.sharding in ("zero3", "fsdp")),
    )
    classify = o.objective in ("classify", "reward") or arch.encoder_only
    loss = Loss("classify" if classify else o.logits, o.autocast == "bf16", one_row=o.micro_batch == 1 and o.objective != "dpo")
    every = {"none": 0, "selective": 2, "full": 1}[o.checkpointing]
    return Task(
        setting=setting,
        loss=loss,
        checkpoint_every=every,
        autocast=o.autocast == "bf16" and not (o.method == "full" and o.weights != "fp32"),
        accumulates=o.accumulation > 1,
        input_gradients=every > 0 and o.method != "full",
        head_bytes=4 if upcast else width,
        prompt_tokens=o.virtual_tokens if o.method == "prompt" else 0,
        prefix_tokens=o.virtual_tokens if o.method == "prefix" else 0,
        adapter_bytes=_BYTES[o.trainable_dtype],
    )


__all__ = ["FOUR_BIT", "GIB", "Estimate", "Program", "estimate", "task_of"]
