"""python -m engine spec: print a spec with every default filled in."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL


def spec(
    method: Annotated[str, typer.Option(help="Adaptation: lora or full.")] = "lora",
    model: Annotated[str, typer.Option(help="Name from `models`, or a hub id.")] = DEFAULT_MODEL,
    task: Annotated[str | None, typer.Option(help="Name from `tasks`; the model's first task if left out.")] = None,
    objective: Annotated[str | None, typer.Option(help="sft.")] = None,
    rank: Annotated[int | None, typer.Option(help="LoRA: directions, 1 or more.")] = None,
    alpha: Annotated[float | None, typer.Option(help="LoRA: ΔW is scaled by alpha / rank.")] = None,
    targets: Annotated[str | None, typer.Option(help="LoRA: q,v / qkvo / all-linear / module names.")] = None,
    dropout: Annotated[float | None, typer.Option(help="LoRA: 0 to below 1.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--lr", help="Peak learning rate.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps.")] = None,
    micro_batch: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    examples: Annotated[int | None, typer.Option(help="Training examples.")] = None,
    eval_every: Annotated[int | None, typer.Option(help="Steps between two looks; 0 for start and end only.")] = None,
    seed: Annotated[int | None, typer.Option(help="0 or more.")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
) -> None:
    """Print a spec as JSON, with every default filled in."""
    chosen = dict(locals())
    made = default_spec(chosen.pop("model"), chosen.pop("task"), chosen.pop("method"), **chosen)
    check(made)
    print(made.to_json(indent=2))
