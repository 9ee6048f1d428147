"""Losses of known runs. They change only when the arithmetic, the data or a pinned library changes; say so when they do.

The numbers were made by `python -m tests.training.test_golden` with the pinned torch on a CPU in fp32 with one thread.
Another processor sums in another order: the tolerance of 1e-3 (relative) is some ten times what was seen between
one thread and two, and a hundredth of what one step of training changes.
"""

import json
from pathlib import Path

import pytest

from engine.adapt import METHODS
from engine.catalog.defaults import default_spec
from engine.contracts import Step
from engine.training import train

GOLDEN = Path(__file__).parent.parent / "golden" / "losses.json"


def losses(method: str) -> list[float]:
    task = "story-mood" if method == "head" else "stories"
    spec = default_spec("nano-0.1m", task, method, steps=6, eval_every=0, dtype="fp32")
    return [event.loss for event in train(spec) if isinstance(event, Step)]


@pytest.mark.parametrize("method", METHODS)
def test_losses_are_those_recorded(method):
    assert losses(method) == pytest.approx(json.loads(GOLDEN.read_text())[method], rel=1e-3)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({method: losses(method) for method in METHODS}, indent=1) + "\n")
