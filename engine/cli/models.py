"""python -m engine models: the base models, which of them are here, and how to get or rebuild one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.catalog.models import MODELS, find_card, is_present, read_record
from engine.home import data_home

app = typer.Typer(help="List the base models, fetch one, or pretrain a nano model anew.")


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
    fetch: Annotated[str | None, typer.Option(help="Download and prepare this model.")] = None,
) -> None:
    """List the base models: size, licence, here or not, and what it takes to fetch."""
    if context.invoked_subcommand:
        return
    if fetch:
        fetch_model(fetch)
        return
    rows = [
        {
            "name": card.name,
            "parameters": card.parameters,
            "present": is_present(card.name),
            "licence": card.licence,
            "bytes": card.bytes,
            "fetch_bytes": card.fetch_bytes,
        }
        for card in MODELS.values()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'name':<24}{'parameters':>13}{'MB':>8}  {'licence':<12}here")
    for row in rows:
        here = "yes" if row["present"] else f"no: python -m engine models --fetch {row['name']} ({row['fetch_bytes'] / 1e6:.0f} MB)"
        print(f"{row['name']:<24}{row['parameters']:>13,}{row['bytes'] / 1e6:>8.1f}  {row['licence']:<12}{here}")


@app.command()
def pretrain(
    name: Annotated[str, typer.Argument(help="A nano model.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the new weights; in the data folder if left out.")] = None,
) -> None:
    """Rebuild a nano model by its recipe, and compare its loss with the recorded one."""
    find_card(name)
    from engine.models.nano.pretrain import pretrain as rebuild  # imports torch

    def report(step: int, steps: int, loss: float) -> None:
        print(f"\r{name}: step {step} of {steps}, loss {loss:.3f}", end="", file=sys.stderr, flush=True)

    folder = out or data_home() / "pretrained" / name
    loss, recorded = rebuild(name, report, folder), read_record(name)["loss"]
    print(f"\n{name}: loss {loss:.4f}, {100 * (loss / recorded - 1):+.2f}% from the recorded {recorded:.4f}; weights in {folder}")


def fetch_model(name: str) -> None:
    """Fetch with a progress bar on standard error."""
    find_card(name)
    if is_present(name):
        print(f"{name} is here already")
        return
    from engine.models import fetch  # imports torch only when it has to convert

    last = ""

    def report(done_bytes: int, total_bytes: int, phase: str) -> None:
        nonlocal last
        share = done_bytes / total_bytes if total_bytes else 0.0
        line = f"{phase:<28} [{'#' * round(30 * share):<30}] {done_bytes / 1e6:6.0f} / {total_bytes / 1e6:.0f} MB"
        ending = "" if phase == last or not last else "\n"
        print(f"{ending}\r{line}", end="", file=sys.stderr, flush=True)
        last = phase

    fetch(name, report)
    print(f"\n{name} is ready", file=sys.stderr)
