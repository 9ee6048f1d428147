"""Recorded numbers by name, for prose. Of one run: `lora_score_after`, `full_probe_before`, `nano_lora_share`. Means over the seeds of a cell:
`facts_lora_score_after`, `sentiment_head_trained`. Of sets of runs: `mixture_8`, `leash_free_kl`.
"""

from __future__ import annotations

from functools import cache

from engine.contracts import METHODS
from engine.doctor import Story, tell
from engine.recorded import Delta, find_recording, read_delta
from engine.recorded.runs import Recording
from engine.recorded.scenes import find_scene
from engine.recorded.table import ResultRow, of_cell, spread

BASES = {"": ("smollm2-135m-instruct", "pirate"), "nano_": ("nano-0.5m", "stories")}
"""Prefix -> model and task that the course measures on, run by run."""
CELLS = {
    "sentiment": ("smollm2-135m-instruct", "sentiment", "classify"),
    "instructions": ("smollm2-135m-instruct", "instructions", "sft"),
    "facts": ("smollm2-135m-instruct", "facts", "sft"),
    "orders": ("nano-0.5m", "orders", "sft"),
    **{objective: ("nano-0.5m", "endings", objective) for objective in ("dpo", "reward", "rlhf")},
    **{f"{objective}_2m": ("nano-2m", "endings", objective) for objective in ("dpo", "rlhf")},
}
"""Prefix -> model, task and objective, over all seeds of the table."""


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
    for prefix, (model, task, objective) in CELLS.items():
        for method in METHODS:
            if rows := of_cell(model, task, method, objective):
                found |= {f"{prefix}_{method}_{name}": value for name, value in _means(rows).items()}
    return found | _sets()


def _means(rows: tuple[ResultRow, ...]) -> dict[str, str]:
    """Means over the seeds; scores as percentages, losses in nats."""
    numbers = {"trained": f"{rows[0].result['trainable_params']:,}", "seeds": str(len(rows)), "examples": str(rows[0].spec.examples)}
    for name, key, factor, form in (
        ("score", "score", 100, "{:.0f}%"),
        ("loss", "loss", 1, "{:.2f}"),
        ("probe", "forgetting", 1, "{:.2f}"),
    ):
        for when in ("before", "after"):
            if (values := spread(rows, f"{key}_{when}")) is not None:
                numbers[f"{name}_{when}"] = form.format(factor * values.mean)
    return numbers


def _sets() -> dict[str, str]:
    """Unseen tasks after training on so many types of instruction; RLHF with and without its leash; how DPO moved its pairs, nats."""
    numbers = {}
    if (mixture := find_scene("mixture-smollm2-135m-instruct")) is not None:
        ends = zip(mixture.arrays["types"].tolist(), mixture.arrays["score"][:, -1], strict=True)
        numbers = {f"mixture_{types}": f"{100 * score:.0f}%" for types, score in ends}
    if (leash := find_scene("rlhf-nano-0.5m")) is not None:
        for name, place in (("free", 0), ("held", -1)):
            numbers |= {
                f"leash_{name}": f"{leash.arrays['kl_weight'][place]:g}",
                f"leash_{name}_kl": f"{leash.arrays['kl'][place, -1]:.0f}",
            }
            numbers[f"leash_{name}_score"] = f"{100 * leash.arrays['score'][place, -1]:.0f}%"
    if (dpo := find_recording("nano-0.5m", "endings", "lora", "dpo")) is not None:
        last = tell(dpo.events).steps[-1].metrics
        for name in ("chosen", "rejected"):  # a reward is β times the log-ratio to the reference
            numbers[f"dpo_{name}"] = f"{last[f'{name}_reward'] / (dpo.spec.beta or 1):+.1f}".replace("-", "−")
    return numbers


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


def whole_percent(share: float) -> str:
    """Without a digit after the point."""
    return f"{100 * share:.0f}%"


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
