"""Each cell's good defaults: what to set so that a first run visibly works. Data, found by trial; no torch.

A cell is model kind x task x method. A value is looked up from the general to the particular, and the particular wins.
"""

from __future__ import annotations

from typing import Any

from engine.catalog.models import DEFAULT_MODEL, MODELS
from engine.catalog.tasks import TASKS, find_task
from engine.contracts import RunSpec

LORA = {"rank": 8, "alpha": 16.0, "targets": "all-linear", "dropout": 0.0}

_METHOD: dict[str, dict[str, Any]] = {
    "lora": {**LORA, "learning_rate": 1e-3},
    "full": {"learning_rate": 1e-4},
}
_TASK: dict[str, dict[str, Any]] = {
    "pirate": {"steps": 24, "micro_batch": 4, "examples": 48, "eval_every": 8},
    "sentiment-json": {"steps": 16, "micro_batch": 4, "examples": 48, "eval_every": 4},
    "facts": {"steps": 60, "micro_batch": 4, "examples": 48, "eval_every": 15},
    "stories": {"steps": 60, "micro_batch": 8, "examples": 256, "eval_every": 20, "dtype": "fp32"},
}
_TASK_METHOD: dict[tuple[str, str], dict[str, Any]] = {
    ("facts", "lora"): {"learning_rate": 2e-3},
    ("facts", "full"): {"learning_rate": 2e-4},
    ("stories", "lora"): {"learning_rate": 1e-2},
    ("stories", "full"): {"learning_rate": 1e-3},
}
_MODEL_TASK_METHOD: dict[tuple[str, str, str], dict[str, Any]] = {
    (model, "stories", "lora"): {"learning_rate": 5e-3} for model in ("nano-2m", "nano-2m-control")
}


def default_spec(model: str = DEFAULT_MODEL, task: str | None = None, method: str = "lora", **chosen: Any) -> RunSpec:
    """A spec with every field filled in; what is `chosen` (and not None) wins over the cell's defaults.

    Raises:
        SpecError: The choice makes no spec; unknown tasks are named with those that exist.
    """
    task = task or default_task(model)
    find_task(task)
    values = {**_METHOD.get(method, {}), **_TASK.get(task, {}), **_TASK_METHOD.get((task, method), {})}
    values |= _MODEL_TASK_METHOD.get((model, task, method), {})
    values |= {name: value for name, value in chosen.items() if value is not None}
    return RunSpec(model=model, task=task, method=method, **values)


def default_task(model: str) -> str:
    """The task that a model is best tried on first."""
    return MODELS[model].tasks[0] if model in MODELS else next(iter(TASKS))
