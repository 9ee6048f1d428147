"""Matrices of real models, committed so that a page can show weights without loading a model. Numpy only.

Made by `python -m engine.models.sample`; each has a .json beside it that says where its numbers come from.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "weights"


class Weights(NamedTuple):
    """One matrix."""

    name: str
    values: NDArray[np.float32]
    """(out, in)."""
    about: dict[str, Any]
    """model, matrix, day, origin (a sentence), sha256 of the file it was read from."""


@cache
def recorded_weights(name: str) -> Weights | None:
    """One committed matrix; None where it is not there."""
    file = FOLDER / f"{name}.npz"
    if not file.exists():
        return None
    with np.load(file, allow_pickle=False) as arrays:
        values = arrays["weights"].astype(np.float32)
    return Weights(name, values, json.loads(file.with_suffix(".json").read_text("utf-8")))
