"""python -m engine runs: what ran on this machine."""

from __future__ import annotations

import datetime
import json
from typing import Annotated

import typer

from engine import jobs
from engine.contracts import event_to_json

app = typer.Typer(help="List the runs of this machine; show or cancel one.")


@app.callback(invoke_without_command=True)
def runs(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """List the newest runs."""
    if context.invoked_subcommand:
        return
    found = jobs.recent()
    if as_json:
        print(json.dumps([summary(run) for run in found], indent=2))
        return
    if not found:
        print("no runs yet; start one in the app")
        return
    print(f"{'id':<14}{'state':<11}{'asked':<18}{'method':<8}{'model':<24}{'task':<16}score")
    for run in found:
        asked = datetime.datetime.fromtimestamp(run.created).strftime("%Y-%m-%d %H:%M")
        score = f"{run.result['score_before']:.2f} -> {run.result['score_after']:.2f}" if run.result else ""
        print(f"{run.run_id:<14}{run.state:<11}{asked:<18}{run.spec.method:<8}{run.spec.model:<24}{run.spec.task:<16}{score}")


@app.command()
def show(run_id: Annotated[str, typer.Argument(help="Id from the list.")]) -> None:
    """Print a run's events, one JSON object a line."""
    jobs.status(run_id)
    for _, event in jobs.events(run_id):
        print(event_to_json(event))


@app.command()
def cancel(run_id: Annotated[str, typer.Argument(help="Id from the list.")]) -> None:
    """Stop a run; an adapter is kept as it stands, and a whole model where it was asked for."""
    jobs.cancel(run_id)
    print(f"{run_id}: {jobs.status(run_id).sentence}")


def summary(run: jobs.RunStatus) -> dict:
    """The row of a run as plain values."""
    spec = json.loads(run.spec.to_json())
    return {"id": run.run_id, "state": run.state, "sentence": run.sentence, "created": run.created, "spec": spec, "result": run.result}
