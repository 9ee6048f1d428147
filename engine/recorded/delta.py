"""Reading the ΔW that a run left in its `delta/` folder: `delta.json` beside `delta.npz`. Numpy only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.contracts import RunError

Floats = NDArray[np.float32]


class Directions(NamedTuple):
    """ΔW of one matrix as its strongest directions: ΔW ≈ left @ right, exact where k reaches its rank."""

    left: Floats
    """(out, k): U S."""
    right: Floats
    """(k, in): Vᵀ."""
    b: Floats | None
    """(out, r): B with alpha / rank folded in; None for full fine-tuning."""
    a: Floats | None
    """(r, in)."""


class Delta(NamedTuple):
    """What is known of every matrix's ΔW, and where the directions lie."""

    folder: Path
    method: str
    matrices: dict[str, dict[str, Any]]
    """Name -> layer, kind, shape, norm, weight_norm, spectrum, energy, stable_rank."""
    drawable: tuple[str, ...]
    """Names whose directions are here; a recorded run keeps only some."""

    def directions(self, name: str) -> Directions:
        """Load one matrix. Raises RunError when the file is damaged or holds no such matrix."""
        try:
            with np.load(self.folder / "delta.npz", allow_pickle=False) as arrays:
                if f"{name}.B" in arrays:
                    return _from_factors(arrays[f"{name}.B"].astype(np.float32), arrays[f"{name}.A"].astype(np.float32))
                left, right = (arrays[f"{name}.{side}"].astype(np.float32) for side in ("left", "right"))
        except (OSError, KeyError, ValueError) as error:
            raise RunError(f"The ΔW of {name} cannot be read ({error}).", "Run it anew.") from None
        values = np.asarray(self.matrices[name]["spectrum"][: left.shape[1]], dtype=np.float32)
        return Directions(left * values, right, None, None)


def read_delta(folder: Path) -> Delta | None:
    """The ΔW of a run; None where it left none, or its artifacts were removed to make room.

    Raises:
        RunError: The files are there and damaged.
    """
    if not (folder / "delta.json").exists():
        return None
    try:
        index = json.loads((folder / "delta.json").read_text("utf-8"))
        with np.load(folder / "delta.npz", allow_pickle=False) as arrays:
            stored = {key.rpartition(".")[0] for key in arrays.files}
        matrices = {row["name"]: row for row in index["matrices"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"The ΔW of this run cannot be read ({error}).", "Run it anew.") from None
    return Delta(folder, index.get("method", ""), matrices, tuple(name for name in matrices if name in stored))


def _from_factors(b: Floats, a: Floats) -> Directions:
    """The exact SVD of B A through two thin QR decompositions; ΔW itself is never formed."""
    left_basis, left_small = np.linalg.qr(b)
    right_basis, right_small = np.linalg.qr(a.T)
    u, s, vt = np.linalg.svd(left_small @ right_small.T)
    return Directions((left_basis @ u * s).astype(np.float32), (vt @ right_basis.T).astype(np.float32), b, a)
