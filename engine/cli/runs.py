"""python -m engine runs: what ran on this machine."""

from __future__ import annotations

import typer

app = typer.Typer(help="List the runs of this machine; show or cancel one.")
