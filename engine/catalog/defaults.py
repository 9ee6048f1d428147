"""Each cell's good defaults: what to set so that a first run visibly works. Data, found by trial; no torch.

A cell is model x task x method x objective. A value is looked up from the general to the particular, and the particular wins.
"""

from __future__ import annotations

from typing import Any

from engine.catalog.models import CHAT_TASKS, DEFAULT_MODEL, MODELS
from engine.catalog.tasks import TASKS, find_task
from engine.contracts import RunSpec

LORA = {"rank": 8, "alpha": 16.0, "targets": "all-linear", "dropout": 0.0}

_METHOD: dict[str, dict[str, Any]] = {
    "lora": {**LORA, "learning_rate": 1e-3},
    "full": {"learning_rate": 1e-4},
    "qlora": {**LORA, "learning_rate": 1e-3},
    "prompt": {"virtual_tokens": 20, "token_init": "text", "learning_rate": 3e-1},
    "prefix": {"virtual_tokens": 20, "token_init": "text", "learning_rate": 1e-2},
    "head": {"learning_rate": 1e-2},
}
_OBJECTIVE: dict[str, dict[str, Any]] = {
    "dpo": {"pairs": "own", "beta": 0.1},
    "reward": {"pairs": "own"},
    "rlhf": {"pairs": "own", "kl_weight": 0.1, "samples": 4},
}
_TASK: dict[str, dict[str, Any]] = {
    "pirate": {"steps": 24, "micro_batch": 4, "examples": 48, "eval_every": 12},
    "sentiment-json": {"steps": 16, "micro_batch": 4, "examples": 48, "eval_every": 8},
    "sentiment": {"steps": 24, "micro_batch": 4, "examples": 48, "eval_every": 8},
    "facts": {"steps": 60, "micro_batch": 4, "examples": 48, "eval_every": 15},
    "instructions": {"steps": 36, "micro_batch": 4, "examples": 64, "eval_every": 12, "task_types": 8},
    "stories": {"steps": 60, "micro_batch": 8, "examples": 256, "eval_every": 20, "dtype": "fp32"},
    "orders": {"steps": 120, "micro_batch": 8, "examples": 320, "eval_every": 40, "task_types": 5, "dtype": "fp32"},
    "brief": {"steps": 9, "micro_batch": 3, "examples": 27, "eval_every": 0},
    "endings": {"steps": 16, "micro_batch": 4, "examples": 128, "eval_every": 4, "dtype": "fp32"},
    "story-mood": {"steps": 60, "micro_batch": 8, "examples": 128, "eval_every": 20, "dtype": "fp32"},
}
_TASK_METHOD: dict[tuple[str, str], dict[str, Any]] = {
    ("sentiment-json", "prompt"): {"learning_rate": 3e-2},
    ("facts", "lora"): {"learning_rate": 2e-3},
    ("facts", "qlora"): {"learning_rate": 2e-3},
    ("facts", "full"): {"learning_rate": 2e-4},
    ("stories", "lora"): {"learning_rate": 1e-2},
    ("stories", "qlora"): {"learning_rate": 1e-2},
    ("stories", "full"): {"learning_rate": 1e-3},
    ("orders", "lora"): {"learning_rate": 1e-2},
    ("orders", "qlora"): {"learning_rate": 1e-2},
    ("orders", "full"): {"learning_rate": 1e-3},
    ("orders", "prompt"): {"virtual_tokens": 8, "token_init": "random", "learning_rate": 3e-2},
    ("orders", "prefix"): {"virtual_tokens": 8, "token_init": "random", "learning_rate": 3e-1},
    ("sentiment", "head"): {"learning_rate": 1e-2, "steps": 120, "eval_every": 40},
    ("pirate", "prefix"): {"learning_rate": 2e-2, "steps": 30, "eval_every": 15},
    ("story-mood", "head"): {"learning_rate": 1e-2, "steps": 200, "eval_every": 50},
    ("stories", "prompt"): {"virtual_tokens": 8, "token_init": "random", "learning_rate": 3e-2},
    ("stories", "prefix"): {"virtual_tokens": 8, "token_init": "random", "learning_rate": 3e-1},
    ("story-mood", "full"): {"learning_rate": 1e-3},
    ("story-mood", "lora"): {"learning_rate": 3e-3},
    ("story-mood", "qlora"): {"learning_rate": 3e-3},
    ("story-mood", "prompt"): {"virtual_tokens": 8, "token_init": "random", "learning_rate": 1e-1},
    ("story-mood", "prefix"): {"virtual_tokens": 8, "token_init": "random", "learning_rate": 1e-1},
}
_MODEL_TASK_METHOD: dict[tuple[str, str, str], dict[str, Any]] = {
    **{(model, "stories", method): {"learning_rate": 5e-3} for model in ("nano-2m", "nano-2m-control") for method in ("lora", "qlora")},
    **{(f"nano-{size}-control", "stories", "prompt"): {"learning_rate": 1e-1} for size in ("0.1m", "0.5m", "2m")},
}
_LONG_LEASHED = {"samples": 12, "steps": 6, "kl_weight": 0.5}
"""The base ends one answer of twenty in time, so a step takes many; on a longer leash the policy repeats the question, which pays."""
_TASK_OBJECTIVE_METHOD: dict[tuple[str, str, str], dict[str, Any]] = {
    **{("brief", "dpo", method): {"learning_rate": 5e-4} for method in ("lora", "qlora")},
    ("brief", "dpo", "full"): {"learning_rate": 5e-5},
    **{("brief", "rlhf", method): {"learning_rate": 3e-3, **_LONG_LEASHED} for method in ("lora", "qlora")},
    ("brief", "rlhf", "full"): {"learning_rate": 1e-4, **_LONG_LEASHED},
    ("endings", "reward", "full"): {"learning_rate": 1e-3},
    ("endings", "rlhf", "full"): {"learning_rate": 3e-4},
    ("endings", "rlhf", "qlora"): {"learning_rate": 3e-3},
    ("endings", "rlhf", "lora"): {"learning_rate": 3e-3},
}


def default_spec(model: str = DEFAULT_MODEL, task: str | None = None, method: str = "lora", **chosen: Any) -> RunSpec:
    """A spec with every field filled in; what is `chosen` (and not None) wins over the cell's defaults.

    Raises:
        SpecError: The choice makes no spec; unknown tasks are named with those that exist.
    """
    wanted = chosen.pop("objective", None) or ("classify" if method == "head" else None)
    task = task or default_task(model, wanted)
    objective = wanted or find_task(task).objectives[0]
    values = {"objective": objective, **_METHOD.get(method, {}), **_OBJECTIVE.get(objective, {}), **_TASK.get(task, {})}
    values |= _TASK_METHOD.get((task, method), {})
    values |= _MODEL_TASK_METHOD.get((model, task, method), {})
    values |= _TASK_OBJECTIVE_METHOD.get((task, objective, method), {})
    values |= {name: value for name, value in chosen.items() if value is not None}
    return RunSpec(model=model, task=task, method=method, **values)


def default_task(model: str, objective: str | None = None) -> str:
    """The task that a model is best tried on first, among those that serve the objective where one is given."""
    tasks = MODELS[model].tasks if model in MODELS else CHAT_TASKS
    return next((name for name in tasks if objective is None or objective in TASKS[name].objectives), tasks[0])
