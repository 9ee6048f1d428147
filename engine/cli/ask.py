"""python -m engine ask: what the base says to a prompt, and what it says with saved adapters beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from engine import jobs
from engine.catalog.device import resolve
from engine.catalog.models import DEFAULT_MODEL
from engine.contracts import RunError, SpecError


def ask(
    prompt: Annotated[str, typer.Argument(help="What to say to the model.")],
    adapter: Annotated[list[str] | None, typer.Option(help="A LoRA: folder or run id, =WEIGHT for a sum. Repeat it for several.")] = None,
    model: Annotated[str, typer.Option(help="The base that the adapters were trained beside.")] = DEFAULT_MODEL,
    tokens: Annotated[int, typer.Option(help="Most tokens of an answer.", min=1, max=512)] = 64,
) -> None:
    """Answer as the base, with each adapter alone, and with all of them added up, on one base that is loaded once."""
    wanted = [read(each) for each in adapter or []]
    from engine.adapt.adapters import attach, switch, weighted_sum  # imports torch
    from engine.models import load
    from engine.objectives.answers import answers
    from engine.tasks import Example

    where = resolve()
    base, tokenizer = load(model, where.dtype, where.device)

    def say(who: str, speaker) -> None:
        print(f"{who}: {answers(speaker, tokenizer, [Example(prompt, '')], tokens)[0]}", flush=True)

    say("base", base)
    names = {f"{place}": folder for place, (folder, _) in enumerate(wanted, 1)}
    if not names:
        return
    try:
        tuned = attach(base, names)
    except (RuntimeError, ValueError) as error:
        raise SpecError(
            f"model={model} is not the base of these adapters ({str(error).splitlines()[0]:.120}); name it with --model"
        ) from None
    for name, folder in names.items():
        switch(tuned, name)
        say(str(folder), tuned)
    if len(names) > 1:
        weights = dict(zip(names, (weight for _, weight in wanted), strict=True))
        weighted_sum(tuned, weights, "sum")
        say(" + ".join(f"{weight:g} x [{name}]" for name, weight in weights.items()), tuned)


def read(adapter: str) -> tuple[Path, float]:
    """Folder of an adapter in PEFT's format, and its weight in the sum, 1 where none is said.

    Raises:
        SpecError: There is no such adapter, or its weight is no finite number.
    """
    place, _, weight = adapter.partition("=")
    folder = Path(place)
    if not folder.is_dir():
        try:
            folder = jobs.artifact_dir(jobs.status(place).run_id)
        except RunError:
            raise SpecError(
                f"adapter={place!r:.80} is neither a folder nor a run of this machine; list them with: python -m engine runs"
            ) from None
    folder = folder / "adapter" if (folder / "adapter").is_dir() else folder
    try:
        kind = json.loads((folder / "adapter_config.json").read_text("utf-8"))["peft_type"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SpecError(f"adapter={place!r:.80} holds no adapter in PEFT's format; name what train --out left, or a finished run") from None
    if kind != "LORA":
        raise SpecError(f"adapter={place!r:.80} is of type {kind}; only LoRA adapters can be switched and added up")
    try:
        factor = float(weight or 1)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        raise SpecError(f"adapter={adapter!r:.80}: the weight {weight!r:.20} is not a finite number; write it as out=0.5")
    return folder, factor
