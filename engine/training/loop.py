"""The one training loop. Everything else in this folder prepares it or looks at what it did."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Iterator

import torch

from engine.adapt import Adaptation
from engine.contracts import NOT_FINITE, RunError, RunSpec, Step
from engine.objectives import Objective

CLIP_NORM = 1.0


def optimise(adaptation: Adaptation, objective: Objective, spec: RunSpec) -> Iterator[Step]:
    """Move the trainable parameters, one optimizer step per batch; yields after each step.

    AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101) without weight decay; the learning rate falls linearly to zero.
    To stop early, cease to iterate.

    Raises:
        RunError: The loss is no longer a finite number; the weights are those of the last good step.
    """
    parameters = adaptation.trainable() + objective.trainable()
    optimizer = make_optimizer(parameters, spec)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / spec.steps)
    adaptation.watch(optimizer)
    seconds, tokens = 0.0, 0
    began = time.perf_counter()  # a batch is drawn inside the clock: where it is sampled from the model, that is most of the work
    for step, batch in enumerate(objective.batches(), 1):
        if not adaptation.model.training:  # whoever looked at the model in between left it in evaluation mode
            adaptation.model.train()
        loss, metrics = objective.loss(batch)
        loss.backward()
        grad_norm = float(torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM, foreach=True))
        if not math.isfinite(grad_norm + loss.item()):
            raise RunError(
                f"{NOT_FINITE} at step {step} (learning rate {spec.learning_rate:g}).",
                f"Try a learning rate of {spec.learning_rate / 10:g}.",
            )
        used_rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        seconds += time.perf_counter() - began
        tokens += batch.tokens
        left = seconds / step * (spec.steps - step)
        speed = tokens / seconds
        yield Step(step, spec.steps, loss.item(), used_rate, grad_norm, batch.tokens, speed, seconds, left, peak_memory_bytes(), metrics)
        began = time.perf_counter()


def make_optimizer(parameters: list[torch.Tensor], spec: RunSpec) -> torch.optim.Optimizer:
    """AdamW as the spec names it, without weight decay. Pages are for a GPU; on a CPU the paged one is the 8-bit one."""
    if spec.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=spec.learning_rate, weight_decay=0.0, fused=True)
    import bitsandbytes

    paged = spec.optimizer == "paged-adamw8bit" and parameters[0].is_cuda
    kind = bitsandbytes.optim.PagedAdamW8bit if paged else bitsandbytes.optim.AdamW8bit
    return kind(parameters, lr=spec.learning_rate, weight_decay=0.0)


def peak_memory_bytes() -> int:
    """Peak allocated on the GPU where there is one, else the most that this process ever had resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
