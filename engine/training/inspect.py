"""What training did to the weights: size, spectrum and leading directions of ΔW, matrix by matrix."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from engine.adapt import Adaptation, Factors, Matrix
from engine.adapt.four_bit import FourBitLinear
from engine.adapt.kinds import HEADS
from engine.contracts import RunSpec
from engine.objectives.answers import kl_sum
from engine.objectives.rows import Row

TOP_DIRECTIONS = 64
ENERGY_AT = (1, 2, 4, 8, 16, 32, 64)


class Spectrum(NamedTuple):
    """Leading singular triplets of one ΔW, k of them, fp32."""

    left: torch.Tensor
    """(out, k), orthonormal columns."""
    values: torch.Tensor
    """(k,), descending."""
    right: torch.Tensor
    """(k, in), orthonormal rows."""


def norm(delta: torch.Tensor | Factors) -> float:
    """Frobenius norm. For factors from the two small Gram matrices: ‖BA‖² = tr(BᵀB · AAᵀ)."""
    if isinstance(delta, Factors):
        return float(((delta.B.T @ delta.B) * (delta.A @ delta.A.T)).sum().clamp(min=0).sqrt())
    return float(delta.norm())


@torch.no_grad()
def drift(adaptation: Adaptation) -> float:
    """‖ΔW‖ / ‖W‖ over all matrices that may move, both Frobenius."""
    moved = frozen = 0.0
    for matrix in adaptation.matrices():
        moved += norm(matrix.delta) ** 2
        frozen += float(matrix.weight.float().norm()) ** 2
    return (moved / frozen) ** 0.5 if frozen else 0.0


@torch.no_grad()
def reach(adaptation: Adaptation, spec: RunSpec) -> dict[str, float]:
    """How much of the model the adaptation can move, and how far its factors went.

    `reach`: the matrices that may move, as a share of all weights in linear layers, the output layer left out. `b_rms`: root mean
    square of LoRA's B before it is scaled; AdamW moves it by about the learning rate in a step, whatever alpha is. `packed_zeros`: share
    of the weights in four bits that are exactly 0.
    """
    kinds = (nn.Linear, FourBitLinear)
    layers = {name: m for name, m in adaptation.model.named_modules() if isinstance(m, kinds) and ".lora_" not in name}
    linear = sum(m.in_features * m.out_features for name, m in layers.items() if not name.endswith(HEADS))
    movable, squares, numbers = 0, 0.0, 0
    for matrix in adaptation.matrices():
        if isinstance(matrix.delta, Factors):
            B, A = matrix.delta
            movable += B.shape[0] * A.shape[1]
            squares, numbers = squares + float(B.square().sum()), numbers + B.numel()
        else:
            movable += matrix.delta.numel()
    found = {"reach": movable / linear} if movable else {}
    if numbers and spec.init == "default" and spec.alpha and spec.rank:
        scale = spec.alpha / (spec.rank**0.5 if spec.scaling == "rslora" else spec.rank)
        found["b_rms"] = (squares / numbers) ** 0.5 / scale
    if packed := [layer for layer in layers.values() if isinstance(layer, FourBitLinear)]:
        zeros = sum(int((layer.weight == 0).sum()) for layer in packed)  # one unpacked at a time: all at once would be the whole model
        found["packed_zeros"] = zeros / sum(layer.in_features * layer.out_features for layer in packed)
    return found


def kl_to_base(adaptation: Adaptation, as_base: Callable[[], AbstractContextManager[None]], rows: Sequence[Row], pad_id: int) -> float:
    """Mean over the rows' answer tokens of KL(tuned ‖ base), nats: how far the model's words have moved, not its weights.

    Args:
        as_base: Inside the context that it gives, the model answers as before training.
        rows: Prompts with reference answers, which both models read (teacher forcing).
    """
    return kl_sum(adaptation.model, as_base, rows, pad_id, 16) / sum(row.answer_tokens for row in rows)


@torch.no_grad()
def spectrum(delta: torch.Tensor | Factors, top: int = TOP_DIRECTIONS) -> Spectrum:
    """Leading singular directions of ΔW.

    Factors give them exactly, through two thin QR decompositions. A dense ΔW gives them by randomised subspace
    iteration (Halko et al. 2011, arXiv 0909.4061, Algorithm 4.4), which for 210 matrices takes seconds instead of minutes.
    """
    if isinstance(delta, Factors):
        left_basis, left_small = torch.linalg.qr(delta.B)
        right_basis, right_small = torch.linalg.qr(delta.A.T)
        u, s, vt = torch.linalg.svd(left_small @ right_small.T)
        return Spectrum(left_basis @ u, s, vt @ right_basis.T)
    k = min(top, *delta.shape)
    if min(delta.shape) <= 2 * TOP_DIRECTIONS:
        u, s, vt = torch.linalg.svd(delta, full_matrices=False)
        return Spectrum(u[:, :k], s[:k], vt[:k])
    u, s, v = torch.svd_lowrank(delta, q=min(k + 32, *delta.shape), niter=3)
    return Spectrum(u[:, :k], s[:k], v[:, :k].T)


def describe(matrix: Matrix, found: Spectrum) -> dict:
    """The row of `delta.json` for one matrix. Shares of energy are of the whole ‖ΔW‖², not of the top directions."""
    size = norm(matrix.delta)
    squares = found.values.double().square().cumsum(0)
    share = {str(k): float(squares[min(k, len(squares)) - 1]) / size**2 if size else 0.0 for k in ENERGY_AT}
    layer = next((int(part) for part in matrix.name.split(".") if part.isdigit()), 0)
    return {
        "name": matrix.name,
        "layer": layer,
        "kind": matrix.name.rsplit(".", 1)[-1],
        "shape": list(matrix.weight.shape),
        "norm": size,
        "weight_norm": float(matrix.weight.float().norm()),
        "spectrum": [float(f"{value:.6g}") for value in found.values.tolist()],
        "energy": {k: min(value, 1.0) for k, value in share.items()},
        "stable_rank": size**2 / float(found.values[0]) ** 2 if size else 0.0,
    }


def write_delta(adaptation: Adaptation, folder: Path, **about: object) -> None:
    """Write `delta.json` and `delta.npz` into the folder, with `about` beside the matrices.

    LoRA leaves its factors B (scale folded in) and A in fp32, which hold ΔW exactly. Full fine-tuning leaves the top 64
    directions: orthonormal `left` and `right` in fp16; their singular values stand in `delta.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described, arrays = [], {}
    for matrix in adaptation.matrices():
        found = spectrum(matrix.delta)
        described.append(describe(matrix, found))
        if isinstance(matrix.delta, Factors):
            arrays[f"{matrix.name}.B"] = matrix.delta.B.cpu().numpy()
            arrays[f"{matrix.name}.A"] = matrix.delta.A.cpu().numpy()
        else:
            arrays[f"{matrix.name}.left"] = found.left.half().cpu().numpy()
            arrays[f"{matrix.name}.right"] = found.right.half().cpu().numpy()
    np.savez(folder / "delta.npz", **arrays)
    (folder / "delta.json").write_text(json.dumps({**about, "matrices": described}))
