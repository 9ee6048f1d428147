"""python -m engine plan, and python -m engine trace: the calculator's own commands, which read their options themselves."""

from __future__ import annotations

import typer

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def plan(context: typer.Context) -> None:
    """Memory, time and price of a fine-tune, by formulas."""
    from engine.planner.cli import main

    raise typer.Exit(main(context.args))


def trace(context: typer.Context) -> None:
    """Peak memory of one step of the real model code on weightless tensors."""
    from engine.trace.cli import main  # imports torch

    raise typer.Exit(main(context.args))
