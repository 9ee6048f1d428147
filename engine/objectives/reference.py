"""What DPO measures against: π_ref of Rafailov et al. 2023, arXiv 2305.18290, Eq. 7."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from engine.adapt import Adaptation
from engine.adapt.adapters import attach
from engine.contracts import RunSpec
from engine.home import run_dir
from engine.models import load
from engine.models.load import read_weights
from engine.objectives.pairs import Pair, collate_pairs
from engine.objectives.rows import answer_log_probs


@torch.no_grad()
def reference_log_probs(adaptation: Adaptation, spec: RunSpec, pairs: Sequence[Pair], pad_id: int) -> list[torch.Tensor]:
    """Log-probabilities of the answer tokens of each pair, (2, s), nats; zeros where the spec leaves the reference out.

    Found once, before training, so that a reference that is a model of its own takes no memory afterwards.
    """
    batches = [collate_pairs([pair], pad_id, str(adaptation.model.device)) for pair in pairs]
    if spec.reference == "none":
        return [torch.zeros(batch.labels.shape, device=batch.labels.device) for batch in batches]
    with reference_model(adaptation, spec) as model:
        return [answer_log_probs(model.eval(), batch) for batch in batches]


@contextmanager
def reference_model(adaptation: Adaptation, spec: RunSpec) -> Iterator[nn.Module]:
    """The base, which is the model itself with its adaptation off; or a saved run's model, loaded beside it."""
    if spec.reference_run is None:
        with adaptation.as_base():
            yield adaptation.model
    else:
        yield saved_model(spec, spec.reference_run, adaptation.model)


def saved_model(spec: RunSpec, run_id: str, beside: nn.Module) -> nn.Module:
    """What a run came to, in the dtype and on the device of the model `beside`; a run of a head moved nothing of it. `catalog.check` has
    seen that it fits."""
    folder, form = run_dir(run_id), ("bf16" if beside.dtype == torch.bfloat16 else "fp32", str(beside.device))
    if (folder / "model").exists():
        return read_weights(folder / "model", *form)
    base, _ = load(spec.model, *form)
    return attach(base, {"reference": folder / "adapter"}).get_base_model() if (folder / "adapter").exists() else base
