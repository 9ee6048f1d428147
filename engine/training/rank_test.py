"""The functional rank test: cut full fine-tuning's ΔW to rank r, put it back into the base, and see what the model still does.

Beside it stands LoRA trained at rank r. The two differ: that a good ΔW of rank r exists does not say that the leading
directions of full fine-tuning's ΔW are one (compare Aghajanyan et al. 2020, 2012.13255, on intrinsic dimension).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from engine.catalog.defaults import default_spec
from engine.contracts import RunSpec, SpecError
from engine.objectives.answers import score
from engine.training.inspect import Spectrum, norm, spectrum
from engine.training.loop import optimise
from engine.training.observe import Run


class RankRow(NamedTuple):
    """One model on all held-out prompts."""

    kind: str
    """"cut": base + full ΔW cut to the rank, nothing else moved; "trained": LoRA; "whole": full fine-tuning as it ended."""
    rank: int | None
    """Rank of every ΔW; 0 is the base, None where nothing was cut."""
    score: float
    """Share of held-out prompts that pass the task's scorer, 0 to 1."""
    loss: float
    """Held-out loss, nats per answer token."""
    energy: float | None
    """"cut": share of ‖ΔW‖², over all matrices, that the cut keeps."""


def rank_test(spec: RunSpec, ranks: Sequence[int]) -> list[RankRow]:
    """Train fully as the spec says and LoRA at each rank, and return a row for each model: base, cuts, whole, trained.

    LoRA takes its own learning rate, alpha = 2 r, and for the rest the spec's data, steps and seed.

    Raises:
        SpecError: The spec is not of full fine-tuning, or a rank is not positive.
    """
    if spec.method != "full" or spec.objective != "sft" or min(ranks, default=0) < 1:
        raise SpecError(f"method={spec.method}, ranks={list(ranks)}: the rank test needs method=full, objective=sft and ranks of 1 or more")
    run = _trained(spec)
    cuts, total = [], 0.0
    for matrix in run.adaptation.matrices():
        cuts.append((matrix.name, matrix.weight, spectrum(matrix.delta, top=max(ranks))))
        total += norm(matrix.delta) ** 2
    rows = [_cut(run, cuts, rank, total) for rank in (0, *sorted(ranks))]
    rows.append(RankRow("whole", None, *_scores(run), None))
    for rank in sorted(ranks):
        rows.append(RankRow("trained", rank, *_scores(_trained(lora_beside(spec, rank))), None))
    return rows


def lora_beside(spec: RunSpec, rank: int) -> RunSpec:
    """LoRA of that rank on the same data, for the same steps, from the same seed."""
    same = {name: getattr(spec, name) for name in ("steps", "micro_batch", "examples", "eval_every", "seed", "dtype")}
    return default_spec(spec.model, spec.task, "lora", rank=rank, alpha=2.0 * rank, **same)


def _trained(spec: RunSpec) -> Run:
    run = Run(spec, None, keep_model=False)
    for _ in optimise(run.adaptation, run.objective, spec):
        pass
    return run


def _cut(run: Run, cuts: list[tuple[str, torch.Tensor, Spectrum]], rank: int, total: float) -> RankRow:
    """Inside `as_base` the weights are the base's; those of linear layers get the cut ΔW on top, norms and embeddings nothing."""
    kept = 0.0
    with run.adaptation.as_base():
        for name, before, found in cuts:
            part = (found.left[:, :rank] * found.values[:rank]) @ found.right[:rank]
            kept += float(found.values[:rank].square().sum())
            run.adaptation.model.get_submodule(name).weight.data = (before.float() + part).to(before.dtype)
        return RankRow("cut", rank, *_scores(run), kept / total if total else 0.0)


def _scores(run: Run) -> tuple[float, float]:
    examples = run.task.heldout
    return score(run.task, examples, run.objective.answers(examples)).score, run.objective.heldout_loss(examples)
