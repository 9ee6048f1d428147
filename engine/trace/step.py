"""Two steps of training under the meter: the second is the steady one, with optimizer states in place."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from engine.planner.arch import Arch
from engine.planner.options import Options
from engine.trace.build import build
from engine.trace.losses import legacy_causal_loss, pair_loss
from engine.trace.meter import Meter


class Traced(NamedTuple):
    """What one trace found, bytes of one GPU's allocator."""

    peak_bytes: int
    terms_bytes: dict[str, int]
    """Live bytes by term at the peak."""
    phase: str
    """forward, backward or step."""
    phase_peaks_bytes: dict[str, int]
    total_params: int
    trainable_params: int
    seconds: float


def trace(options: Options, arch: Arch, report: Callable[[str], None] = lambda phase: None) -> Traced:
    """Run the real code of the question's model for two steps on weightless tensors.

    Raises:
        SpecError: the combination cannot be traced.
    """
    began = time.monotonic()
    torch.manual_seed(0)
    with FakeTensorMode(allow_non_fake_inputs=True), _no_packing(), _one_kernel_dropout():
        report("building")
        model = build(options, arch)
        optimizer = make_optimizer(model, options)
        batch = make_batch(options, arch)
        with Meter() as meter:
            _count_standing(model, meter, options)
            _tell_terms_apart(model, meter)
            for number in (1, 2):
                meter.reset_peak()
                run_step(model, optimizer, batch, options, arch, meter, lambda phase, n=number: report(f"step {n}: {phase}"))  # type: ignore[misc]
        counts = [p.numel() for p in model.parameters() if p.requires_grad]
        found = dict(meter.at_peak)
    phase = str(found.pop("phase", "forward"))
    terms = {name: size for name, size in found.items() if size}
    return Traced(meter.peak_bytes, terms, phase, dict(meter.peaks), sum(_true_sizes(model)), sum(counts), time.monotonic() - began)


def _no_packing() -> Any:
    """Answer the one question that transformers asks of values, "do rows hold several packed texts?", with the truth: no."""
    from transformers import masking_utils

    return mock.patch.object(masking_utils, "find_packed_sequence_indices", lambda position_ids: None)


def _one_kernel_dropout() -> Any:
    """Dropout as a GPU runs it: one kernel and a mask of one byte an element; the CPU's keeps a mask as wide as its input."""

    def dropout(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        return torch.native_dropout(x, p, training)[0] if p and training else x

    return mock.patch.object(torch.nn.functional, "dropout", dropout)


def _true_sizes(model: nn.Module) -> Iterator[int]:
    for param in model.parameters():
        state = getattr(param, "quant_state", None)
        yield state.shape.numel() if state is not None else param.numel()


def _count_standing(model: nn.Module, meter: Meter, options: Options) -> None:
    for param in model.parameters():
        meter.tag = "adapters" if param.requires_grad and options.method != "full" else "weights"
        meter.count(param)
        state = getattr(param, "quant_state", None)
        if state is not None:
            meter.tag = "quant_constants"
            meter.count(state.absmax)
            if state.state2 is not None:
                meter.count(state.state2.absmax)
    meter.tag = "weights"
    for buffer in model.buffers():
        meter.count(buffer)


def _tell_terms_apart(model: Any, meter: Meter) -> None:
    """Hooks that name what is born: between the output matrix and its gradient it is logits, what a layer runs again is
    recomputation, and a gradient is one as soon as autograd has put it in its place."""

    def born_as(tag: str, phase: str) -> Callable[..., None]:
        def set_tag(*_: Any) -> None:
            if meter.phase == phase:
                meter.tag = tag

        return set_tag

    model.register_forward_pre_hook(born_as("activations", "forward"))
    head = model.get_output_embeddings()
    if head is not None:
        head.register_forward_pre_hook(born_as("logits", "forward"))
        after = born_as("temporaries", "backward")

        def end_there(module: Any, given: Any) -> None:
            if given[0].requires_grad:
                given[0].register_hook(after)

        head.register_forward_pre_hook(end_there)
    for module in model.modules():
        if hasattr(module, "_gradient_checkpointing_func"):
            module._gradient_checkpointing_func = partial(_run_again, meter, module._gradient_checkpointing_func)
    for param in model.parameters():
        if param.requires_grad:
            param.register_post_accumulate_grad_hook(lambda p: meter.retag((p.grad,), "gradients"))


def _run_again(meter: Meter, checkpoint: Callable[..., Any], forward: Callable[..., Any], *args: Any) -> Any:
    """A layer under checkpointing; what it does in the backward pass is recomputation."""

    def watched(*given: Any, **more: Any) -> Any:
        if meter.phase != "backward":
            return forward(*given, **more)
        meter.tag = "recomputation"
        try:
            return forward(*given, **more)
        finally:
            meter.tag = "temporaries"

    return checkpoint(watched, *args)


def make_optimizer(model: nn.Module, options: Options) -> torch.optim.Optimizer:
    """torch's own optimizer for what the model trains; foreach unless the question says fused."""
    params = [p for p in model.parameters() if p.requires_grad]
    if options.optimizer == "sgd":
        return torch.optim.SGD(params, lr=1e-4, foreach=True)
    fused = options.optimizer == "adamw-fused"
    return torch.optim.AdamW(params, lr=1e-4, fused=fused, foreach=not fused)


def make_batch(options: Options, arch: Arch) -> dict[str, torch.Tensor]:
    """Zeros, int64: `input_ids` (b, s), with 2b rows for pairs; `labels` alike, or (b,) where rows are classified."""
    pairs = 2 if options.objective == "dpo" else 1
    shape = (options.micro_batch * pairs, options.seq_len)
    batch: dict[str, torch.Tensor] = {"input_ids": torch.zeros(shape, dtype=torch.long)}
    if options.objective == "classify" or arch.encoder_only:
        batch["labels"] = torch.zeros(shape[:1], dtype=torch.long)
    else:
        batch["labels"] = torch.zeros(shape, dtype=torch.long)
    return batch


def run_step(
    model: Any, optimizer: Any, batch: dict[str, Any], options: Options, arch: Arch, meter: Meter, report: Callable[[str], None]
) -> None:
    """One optimizer step of at most two micro-batches, which is where memory has reached its height."""
    for _ in range(min(options.accumulation, 2)):
        report("forward")
        meter.phase, meter.tag = "forward", "activations"
        loss = _loss(model, batch, options, arch)
        report("backward")
        meter.phase = "backward"
        if meter.tag != "logits":
            meter.tag = "temporaries"
        loss.backward()
        del loss
        meter.retag((p.grad for p in model.parameters() if p.grad is not None), "gradients")
    report("step")
    meter.phase, meter.tag = "step", "optimizer"
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


@contextlib.contextmanager
def _autocast() -> Iterator[None]:
    """16-bit autocast of the CPU, with the GPU's switched on too: PEFT asks only whether the latter is."""
    was = torch.is_autocast_enabled("cuda")
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            yield
    finally:
        torch.set_autocast_enabled("cuda", was)


def _loss(model: Any, batch: dict[str, Any], options: Options, arch: Arch) -> torch.Tensor:
    """One forward pass as the Trainer does it: the outputs are let go before the backward pass."""
    with _autocast() if options.autocast == "bf16" else contextlib.nullcontext():
        if options.objective == "dpo":
            loss: torch.Tensor = pair_loss(model, batch["input_ids"], options)
            return loss
        if options.logits == "legacy" and options.objective == "sft" and not arch.encoder_decoder:
            last_hidden: list[torch.Tensor] = []  # the loss of that time stood inside forward, which holds on to its hidden states
            hook = model.get_output_embeddings().register_forward_pre_hook(lambda head, given: last_hidden.append(given[0]))
            out = model(input_ids=batch["input_ids"])
            hook.remove()
            holder = [out.logits]
            if arch.scaled:
                del out  # Granite's own loss overwrites its 16-bit logits with the fp32 copy
            return legacy_causal_loss(holder, batch["labels"])
        out = model(**batch)
        loss = out.loss
    if options.autocast == "bf16":
        out.logits = out.logits.float()  # accelerate's convert_outputs_to_fp32
    return loss
