"""Peak memory of one GPU as a sum of terms: what stands all the time, and what the played-through step adds at its worst moment."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.planner.arch import Arch
from engine.planner.options import FOUR_BIT, QUANTIZED, Options
from engine.planner.standing import Standing, standing
from engine.planner.tape.core import TAGS
from engine.planner.tape.linear import Setting
from engine.planner.tape.loss import Loss
from engine.planner.tape.program import Program, Task, play
from engine.planner.targets import adapted

GIB = 2**30
_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
TERMS = (
    "weights", "quant_constants", "adapters", "gradients", "optimizer", "activations", "recomputation", "logits", "dequantization",
    "temporaries", "framework",
)  # fmt: skip


class Estimate(NamedTuple):
    """Bytes of one GPU's allocator at the worst moment of a steady step."""

    peak_bytes: float
    terms_bytes: dict[str, float]
    """By term; they sum to the peak."""
    phase: str
    """forward, backward or step."""
    phase_peaks_bytes: dict[str, float]
    standing: Standing


def estimate(options: Options, arch: Arch) -> Estimate:
    """The peak for the question's own batch and length."""
    held = standing(options, arch)
    program = play(task_of(options, arch))
    basis = monomials(options, np.float64(options.micro_batch), np.float64(options.seq_len))
    by_tag = program.coefficients @ basis
    totals = by_tag.sum(1)
    constant = held.always_bytes + (held.gradients_bytes if options.accumulation > 1 else 0.0)
    peaks = {"load": held.always_bytes}
    for phase in ("forward", "backward"):
        rows = [index for index, name in enumerate(program.phases) if name == phase]
        peaks[phase] = constant + (float(totals[rows].max()) if rows else 0.0)
    peaks["step"] = held.always_bytes + held.gradients_bytes + held.step_bytes
    phase = max(("forward", "backward", "step"), key=lambda name: peaks[name])
    terms = dict.fromkeys(TERMS, 0.0)
    terms.update(held.terms_bytes)
    if phase == "step":
        terms["gradients"] = held.gradients_bytes
        terms["temporaries"] = held.step_bytes
    else:
        rows = [index for index, name in enumerate(program.phases) if name == phase]
        worst = rows[int(np.argmax(totals[rows]))]
        for number, tag in enumerate(TAGS):
            terms[tag] += float(by_tag[worst, number])
        if options.accumulation > 1:
            terms["gradients"] += held.gradients_bytes
    return Estimate(peaks[phase], terms, phase, peaks, held)


def peak_map(options: Options, arch: Arch, batches: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Peak bytes for every batch (rows) and length (columns) at once."""
    held = standing(options, arch)
    program = play(task_of(options, arch))
    basis = monomials(options, batches[:, None], lengths[None, :]).reshape(len(MONOMIAL_NAMES), -1)
    totals = (program.coefficients.sum(1) @ basis).max(0).reshape(len(batches), len(lengths))
    constant = held.always_bytes + (held.gradients_bytes if options.accumulation > 1 else 0.0)
    floor = held.always_bytes + held.gradients_bytes + held.step_bytes
    peaks: NDArray[np.float64] = np.maximum(totals + constant, floor)
    return peaks


MONOMIAL_NAMES = ("1", "s", "b", "bs", "bss", "ss")


def monomials(options: Options, batch: NDArray[np.float64] | np.float64, length: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """1, s, b, b·s, b·s², s² with what the method adds: pairs double the batch, a prompt lengthens the sequence."""
    b = batch * (2 if options.objective in ("dpo", "reward") else 1)
    s = length + (options.virtual_tokens if options.method == "prompt" else 0)
    shape = np.broadcast(b, s)
    ones = np.ones(shape.shape)
    return np.array([ones, s * ones, b * ones, b * s * ones, b * s * s * ones, s * s * ones])


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
        expert_loop=o.logits == "legacy" or o.software != "hf",
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


__all__ = ["FOUR_BIT", "GIB", "Estimate", "Program", "estimate", "peak_map", "task_of"]
