"""Models by hub id, with the configuration fields that decide their size."""

from __future__ import annotations

import difflib
import json
from functools import cache
from pathlib import Path
from typing import Any

from engine.contracts import SpecError
from engine.planner.arch import Arch
from engine.planner.families import read_config

_FILE = Path(__file__).with_name("catalogue.json")


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Hub id -> {"config", "source", "published_params"}."""
    models: dict[str, dict[str, Any]] = json.loads(_FILE.read_bytes())["models"]
    return models


def model_ids() -> tuple[str, ...]:
    """Every hub id of the catalogue, in its order: by family, small to large."""
    return tuple(entries())


@cache
def find(model: str) -> Arch:
    """The sizes of a catalogue model; the part behind the slash will do where it is unique.

    Raises:
        SpecError: the name is not in the catalogue; the sentence offers the nearest ones.
    """
    return read_config(entries()[full_id(model)]["config"])


@cache
def full_id(model: str) -> str:
    """The hub id that a name stands for. Raises SpecError as `find` does."""
    if model in entries():
        return model
    wanted = model.strip().lower()
    hits = [name for name in entries() if wanted in (name.lower(), name.split("/")[-1].lower())]
    if len(hits) == 1:
        return hits[0]
    short = {name.split("/")[-1].lower(): name for name in entries()}
    near = [short[key] for key in difflib.get_close_matches(wanted.split("/")[-1], short, n=3, cutoff=0.4)]
    hint = f"; did you mean {', '.join(near)}?" if near else "."
    raise SpecError(f"model={model[:60]!r} is not in the catalogue of {len(entries())}{hint} Or give its config.json as config.")
