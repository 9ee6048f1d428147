"""The commands, one noun a file. Torch is imported only by the commands that need it, when they run."""

import typer

from engine.cli import ask, calculator, doctor, models, runs, spec, tasks, train

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Fine-tune small language models, and look at what changed.")
app.command("spec")(spec.spec)
app.command("train")(train.train)
app.command("ask")(ask.ask)
app.command("tasks")(tasks.tasks)
app.command("doctor")(doctor.doctor)
app.command("plan", context_settings=calculator.PASS_ON)(calculator.plan)
app.command("trace", context_settings=calculator.PASS_ON)(calculator.trace)
app.add_typer(models.app, name="models")
app.add_typer(runs.app, name="runs")

__all__ = ["app"]
