"""Recorded sets of runs for the scenes that one run cannot fill: a loss plane, a path of trained vectors, a sweep."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "data" / "scenes"


class SceneData(NamedTuple):
    """One recorded scene."""

    about: dict[str, Any]
    """`recipe`, `day`, `machine`, `specs` (those of its runs), and what else the scene's recorder wrote down."""
    arrays: dict[str, NDArray[Any]]
    """Named arrays; the recorder's docstring gives shapes and units."""


@cache
def find_scene(name: str) -> SceneData | None:
    """The recorded scene of that name, or None."""
    folder = FOLDER / name
    if not (folder / "about.json").exists():
        return None
    with np.load(folder / "data.npz", allow_pickle=False) as arrays:
        return SceneData(json.loads((folder / "about.json").read_text("utf-8")), {key: arrays[key] for key in arrays.files})
