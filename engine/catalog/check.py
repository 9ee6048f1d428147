"""Does this spec fit this model and this task? Asked at submit and on the command line, before any weights load."""

from __future__ import annotations

import json

from engine.catalog.models import MODELS, is_hub_id, is_nano, is_present
from engine.catalog.tasks import TASKS, TaskCard, find_task
from engine.contracts import RunSpec, SpecError
from engine.home import run_dir

ATTENTION = {"q,v": ("q_proj", "v_proj"), "qkvo": ("q_proj", "k_proj", "v_proj", "o_proj")}
"""The words for target modules, in a Llama block's names. "all-linear" is every linear layer of a block."""

SAVED = {"lora": "adapter/adapter_model.safetensors", "full": "model/config.json"}
"""Method -> a file of what a run of it leaves, where another run can use them. A QLoRA's adapter belongs to a packed base."""
REWARD_HEAD = "head/reward_head.safetensors"
"""What a run of objective reward leaves beside its weights; with method head it is all there is."""


def check(spec: RunSpec) -> None:
    """Raise SpecError, with all problems at once, where the spec does not fit its model or task."""
    problems = _task_problems(spec, find_task(spec.task))
    problems += _run_problems(spec, "reference", spec.reference_run, SAVED)
    problems += _run_problems(spec, "reward_model", spec.reward_run, {**SAVED, "head": REWARD_HEAD}, REWARD_HEAD)
    if spec.model in MODELS:
        if not is_present(spec.model):
            problems.append(f"model={spec.model} is not on this machine; fetch it with: python -m engine models --fetch {spec.model}")
        problems += _shape_problems(spec)
    elif not is_hub_id(spec.model):
        problems.append(f"model={spec.model!r:.60} is unknown; these work: {', '.join(m for m in MODELS if is_present(m))}")
    if problems:
        raise SpecError(*problems)


def _task_problems(spec: RunSpec, task: TaskCard) -> list[str]:
    problems = []
    if spec.objective not in task.objectives:
        fitting = [
            card.name for card in TASKS.values() if spec.objective in card.objectives and is_nano(spec.model) == (card.models == "nano")
        ]
        instead = f"; {spec.objective} has {', '.join(fitting)}" if fitting else ""
        problems.append(
            f"objective={spec.objective} does not fit task={task.name}, which is made for {', '.join(task.objectives)}{instead}"
        )
    if spec.examples > task.train_examples:
        problems.append(f"examples={spec.examples} is more than the {task.train_examples} that task {task.name} has; use at most that")
    if spec.fault in ("wrong-template", "prompt-loss") and spec.objective != "sft":
        problems.append(f"fault={spec.fault} is made in sft's rows; leave it out for objective={spec.objective}")
    if spec.fault == "outlier" and spec.method != "qlora":
        problems.append(f"fault=outlier is made in weights that get packed; leave it out for method={spec.method}, or use method=qlora")
    problems += _type_problems(spec, task)
    if (task.models == "nano") != is_nano(spec.model):
        fitting = [name for name in MODELS if is_nano(name) == (task.models == "nano")]
        problems.append(f"task={task.name} does not suit model={spec.model}; it is made for {', '.join(fitting)}")
    return problems


def _type_problems(spec: RunSpec, task: TaskCard) -> list[str]:
    """`task_types` belongs to mixtures of types, and a mixture needs it."""
    wanted = spec.task_types
    if task.types and wanted is None:
        return [f"task_types is missing; task={task.name} draws its examples from the first 0 to {task.types} of its types"]
    if wanted is None:
        return []
    if not task.types:
        mixtures = ", ".join(card.name for card in TASKS.values() if card.types)
        return [f"task_types={wanted} belongs to a mixture of types ({mixtures}); leave it out for task={task.name}"]
    if wanted > task.types:
        return [f"task_types={wanted} is more than the {task.types} types that task={task.name} has; use at most that"]
    there = wanted * task.train_examples // task.types
    if 0 < there < spec.examples:
        return [f"examples={spec.examples} is more than the {there} that task={task.name} has of task_types={wanted}; use at most that"]
    return []


def _run_problems(spec: RunSpec, name: str, run_id: str | None, saved: dict[str, str], head: str | None = None) -> list[str]:
    """A run that another one uses has ended on this machine, on the same base, and left weights that fit it as it is; `head`: and this file."""
    if run_id is None:
        return []
    folder, said = run_dir(run_id), f"{name}=run:{run_id}"
    try:
        result = json.loads((folder / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return [f"{said} is no finished run of this machine; list them with: python -m engine runs"]
    if result.get("model") != spec.model:
        return [f"{said} trained {result.get('model')}, and this run has model={spec.model}; choose a run of the same model"]
    if head and result.get("objective") != "reward":
        return [f"{said} has objective {result.get('objective')} and no reward model; choose a run of objective reward"]
    if result.get("method") not in saved:
        return [f"{said} has method {result.get('method')}, whose weights do not stand on the base as it is; choose {' or '.join(saved)}"]
    if not all((folder / file).exists() for file in (saved[result["method"]], head) if file):
        return [f"{said} kept no weights; run it again, a full fine-tuning with its model kept"]
    return []


def _shape_problems(spec: RunSpec) -> list[str]:
    card, problems = MODELS[spec.model], []
    context, longest = card.config["max_position_embeddings"], find_task(spec.task).longest_tokens
    if longest > context:
        problems.append(f"task={spec.task} has rows of {longest} tokens, more than the context of {spec.model}, {context}")
    elif spec.virtual_tokens is not None and longest + spec.virtual_tokens > context:
        problems.append(
            f"virtual_tokens={spec.virtual_tokens} and the rows of {longest} tokens of task={spec.task} together are more than the "
            f"context of {spec.model}, {context}; use {context - longest} or less"
        )
    if spec.targets is None or spec.rank is None:
        return problems
    named = card.linear_modules if spec.targets == "all-linear" else ATTENTION.get(spec.targets) or _names(spec.targets)
    missing = [name for name in named if name not in card.linear_modules]
    if missing:
        exist = ", ".join(card.linear_modules)
        problems.append(f"targets={spec.targets} matches nothing named {', '.join(missing)} in {spec.model}; it has {exist}")
    limits = {name: min(card.linear_modules[name]) for name in named if name in card.linear_modules}
    if limits and spec.rank > min(limits.values()):
        name = min(limits, key=lambda n: limits[n])
        shape = " x ".join(map(str, card.linear_modules[name]))
        problems.append(f"rank={spec.rank} is above {limits[name]}, the most that {name} ({shape}) can have; use {limits[name]} or less")
    return problems


def _names(targets: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in targets.split(","))
