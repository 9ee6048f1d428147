"""What the base model says and loses, worked out once: a third of a short run's time would go into finding it again.

Equal device, dtype and thread count give the same numbers, bit for bit, so a kept answer is the answer. The key holds
all that it depends on. Scores are not kept: they come from the answers anew, by the scorer of today.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.catalog.models import is_hub_id, read_record
from engine.contracts import RECIPE, RunSpec
from engine.home import data_home

KNOWN = ("sft", "rlhf")
"""Objectives whose base is the pretrained model and whose held-out loss is that of the given answers, so that they share what is
kept. DPO's loss depends on its pairs and its reference, and the others have parts that start at random."""
SPEC_FIELDS = ("model", "task", "method", "init", "quant", "block_size", "double_quant")
"""The fields that the base's numbers depend on; a packed base is another base, and so is one whose start PiSSA took out."""


class BaseLook:
    """Numbers and answers of one base, by name, in a file of the data folder."""

    def __init__(self, spec: RunSpec, *machine: object) -> None:
        self.path, self.kept = keep_at(spec, machine), {}
        if self.path and self.path.exists():
            with contextlib.suppress(ValueError, OSError):  # cut short or unreadable: found anew
                self.kept = dict(json.loads(self.path.read_text()))

    def get(self, name: str, asked: object, find: Callable[[], Any]) -> Any:
        """What is kept of `name` for the same question, else found now."""
        key = f"{name} {digest(asked)}"
        if key not in self.kept:
            self.kept[key] = find()
        return self.kept[key]

    def save(self) -> None:
        """Written beside and renamed. A full disk costs the next run some seconds and this one nothing."""
        if self.path is None:
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
            beside = self.path.with_suffix(f".{os.getpid()}")
            beside.write_text(json.dumps(self.kept))
            beside.replace(self.path)


def keep_at(spec: RunSpec, machine: object) -> Path | None:
    """The file for this base on this machine. None where nothing may be kept: an objective that is not among the `KNOWN`; a
    hub's model, which may change under its name; the clinic's faults, which mix the models up."""
    if spec.objective not in KNOWN or spec.fault or is_hub_id(spec.model):
        return None
    base = [getattr(spec, name) for name in SPEC_FIELDS]
    return data_home() / "bases" / f"{digest((RECIPE, base, read_record(spec.model)['sha256'], machine))}.json"


def digest(asked: object) -> str:
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]
