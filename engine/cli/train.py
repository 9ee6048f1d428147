"""python -m engine train: run a spec here and now, one JSON event a line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.catalog.check import check
from engine.contracts import Ended, RunSpec, SpecError, Step, event_to_json


def train(
    spec: Annotated[str, typer.Argument(help="A spec file, or - for standard input.")],
    out: Annotated[Path | None, typer.Option(help="Folder for adapter/ or model/, delta/ and result.json.")] = None,
) -> None:
    """Run a spec and print one JSON event a line; exit 0 only when the run is done."""
    made = RunSpec.from_json(read(spec))
    check(made)
    from engine.training import train as run  # imports torch

    ended: Ended | None = None
    step = 0
    events = run(made, out=out, keep_model=True)
    try:
        for event in events:
            print(event_to_json(event), flush=True)
            ended = event if isinstance(event, Ended) else None
            step = event.step if isinstance(event, Step) else step
    except KeyboardInterrupt:
        events.close()
        kept = "; what was learned is kept" if out and step else ""
        print(event_to_json(Ended("cancelled", f"Stopped from the keyboard{kept}.", step=step)), flush=True)
        raise typer.Exit(1) from None
    if ended is None or ended.status != "done":
        print(f"error: {ended.sentence} {ended.remedy}" if ended else "error: the run ended without a word", file=sys.stderr)
        raise typer.Exit(1)


def read(spec: str) -> str:
    """The text of a spec file, or of standard input for "-". Raises SpecError for a file that cannot be read."""
    if spec == "-":
        return sys.stdin.read()
    try:
        return Path(spec).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"spec={spec} cannot be read ({error}); make one with: python -m engine spec > spec.json") from None
