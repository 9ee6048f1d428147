"""python -m engine doctor: what a finished run shows, in sentences with a remedy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from engine import jobs
from engine.contracts import Event, SpecError, event_from_json
from engine.doctor import Diagnosis, diagnose, tell

WORDS = Path(__file__).resolve().parents[2] / "lessons" / "text" / "clinic"


def doctor(
    run: Annotated[str, typer.Argument(help="Id of a run, or a file of events, one JSON object a line.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list: key, limit, values.")] = False,
) -> None:
    """Say what went wrong in a finished run, with the numbers."""
    story = tell(read_events(run))
    if story.ended is None:
        raise SpecError(f"run={run} has not ended; ask again when it has")
    found = diagnose(story)
    if as_json:
        print(json.dumps([diagnosis._asdict() for diagnosis in found], indent=2, ensure_ascii=False))
        return
    if not found and story.ended.status != "done":
        print(f"The run ended as {story.ended.status}: {story.ended.sentence} Only one that took all its steps can be examined further.")
    elif not found:
        print("Nothing wrong: none of the faults that the doctor knows shows in this run.")
    print("\n\n".join(sentences(diagnosis) for diagnosis in found), end="\n" if found else "")


def read_events(run: str) -> list[Event]:
    """The events of a run of this machine, or of a file. Raises SpecError where there is neither, or where a line is no event."""
    if not Path(run).is_file():
        jobs.status(run)
        return [event for _, event in jobs.events(run)]
    try:
        lines = Path(run).read_text("utf-8").splitlines()
        return [event_from_json(line) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError) as error:
        raise SpecError(
            f"run={run} cannot be read as events ({str(error):.80}); make some with: python -m engine train spec.json"
        ) from None


def sentences(diagnosis: Diagnosis) -> str:
    """The words of a diagnosis with its numbers filled in, as plain text."""
    markdown = (WORDS / f"{diagnosis.key}.md").read_text("utf-8").strip()
    filled = re.sub(r"\{\{(\w+)\}\}", lambda match: diagnosis.values[match[1]], markdown)
    return re.sub(r"\*\*|`", "", filled)
