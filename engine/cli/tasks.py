"""python -m engine tasks: what a model can be trained on."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS


def tasks(as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """List the tasks."""
    rows = [
        {
            "name": task.name,
            "objective": task.objectives[0],
            "objectives": list(task.objectives),
            "models": [name for name, card in MODELS.items() if task.name in card.tasks],
            "train_examples": task.train_examples,
            "heldout_examples": task.heldout_examples,
        }
        for task in TASKS.values()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'name':<16}{'objective':<11}{'train':>6}{'held-out':>10}  models")
    for row in rows:
        print(f"{row['name']:<16}{row['objective']:<11}{row['train_examples']:>6}{row['heldout_examples']:>10}  {', '.join(row['models'])}")
