"""Numbers of the recorded runs by name, for prose: `lora_score_after`, `full_probe_before`, `nano_lora_share` and so on."""

from __future__ import annotations

from functools import cache

from engine.contracts import METHODS
from engine.doctor import Story, tell
from engine.recorded import Delta, find_recording, read_delta
from engine.recorded.runs import Recording

BASES = {"": ("smollm2-135m-instruct", "pirate"), "nano_": ("nano-0.5m", "stories")}
"""Prefix -> model and task that the course measures on."""


@cache
def measured() -> dict[str, object]:
    """Every number that is recorded, as text with its unit where it has one; committed data do not change while the app runs."""
    found: dict[str, object] = {}
    for prefix, (model, task) in BASES.items():
        for method in METHODS:
            recording = find_recording(model, task, method)
            if recording is not None:
                numbers = _numbers(recording)
                found |= {f"{prefix}{method}_{name}": value for name, value in numbers.items()}
    return found


def _numbers(recording: Recording) -> dict[str, str]:
    story = tell(recording.events)
    started, base, last = story.started, story.base, story.latest
    if started is None or base is None or last is None:
        return {}
    numbers = {
        "trained": f"{started.trainable_params:,}",
        "total": f"{started.total_params:,}",
        "share": percent(started.trainable_params / started.total_params),
        "fewer": f"{started.total_params / started.trainable_params:.0f}",
        "bytes": f"{4 * started.trainable_params / 1e6:,.3g} MB",
        "score_before": f"{round(base.score * base.prompts)} of {base.prompts}",
        "score_after": f"{round(last.score * last.prompts)} of {last.prompts}",
        "drift": f"{100 * last.drift:.2g}%",
        "seconds": f"{story.steps[-1].seconds:.0f} s",
        "rate": f"{recording.spec.learning_rate:g}",
        "seed": str(recording.spec.seed),
        "day": recording.day,
    }
    return numbers | _forgetting(story) | _rank(read_delta(recording.folder / "delta"))


def percent(share: float) -> str:
    """Two digits, and 100% for all of it."""
    return "100%" if share == 1 else f"{100 * share:.2g}%"


def _forgetting(story: Story) -> dict[str, str]:
    if len(story.probes) != 2:
        return {}
    before, after = (probe.loss for probe in story.probes)
    return {"probe_before": f"{before:.2f}", "probe_after": f"{after:.2f}", "probe_rise": f"{after - before:+.2f}".replace("-", "−")}


def _rank(delta: Delta | None) -> dict[str, str]:
    """How much of the squared norm of ΔW the strongest directions hold, over all matrices."""
    if delta is None:
        return {}
    rows = list(delta.matrices.values())
    whole = sum(row["norm"] ** 2 for row in rows)
    held = {k: sum(value**2 for row in rows for value in row["spectrum"][:k]) / whole for k in (1, 8, 64)}
    return {f"energy_{k}": f"{100 * share:.0f}%" for k, share in held.items()}
