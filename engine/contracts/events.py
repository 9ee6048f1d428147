"""What a run says while it lives. Small frozen records, one JSON object a line, versioned.

The first is a `Phase`, since loading takes a while and `Started` counts what was loaded; `Started` comes before the first
`Step`, and `Ended` is the last. A consumer reads `event` to know which record a line is. Unknown keys of a newer version are ignored on reading, so
an old page can still show a newer run.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

EVENT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Started:
    """The model is loaded; these things will not change any more."""

    event: ClassVar[str] = "started"
    spec: dict[str, Any]
    spec_hash: str
    device: str
    """"cpu" or "cuda"."""
    device_name: str
    dtype: str
    """Resolved compute dtype: "fp32" or "bf16"."""
    threads: int
    """CPU threads used by torch."""
    total_params: int
    trainable_params: int
    versions: dict[str, str]
    """Library name -> version."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What the run is doing now, when it is not a training step; every wait has a reason."""

    event: ClassVar[str] = "phase"
    name: str
    """"loading", "preparing", "scoring", "training", "inspecting", "saving" or "tracing"."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step is done."""

    event: ClassVar[str] = "step"
    step: int
    """1 to steps."""
    steps: int
    loss: float
    """Mean cross-entropy over the batch's answer tokens, nats."""
    learning_rate: float
    grad_norm: float
    """L2 norm over all trainable parameters, before clipping."""
    tokens: int
    """Tokens in the batch, no padding counted."""
    tokens_per_second: float
    """Over all steps so far, training only."""
    seconds: float
    """Since the first step began, training only."""
    seconds_left: float
    """Estimate to the end of the run, evaluations included."""
    memory_bytes: int
    """Peak resident memory of the worker (CPU) or peak allocated (CUDA)."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What the objective watches besides its loss, such as DPO's margin; names and units stand in the objective's file."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One held-out prompt with what the base and the tuned model say to it."""

    prompt: str
    base: str
    tuned: str
    good: bool
    """The tuned answer passes the task's scorer."""
    fact: bool | None = None
    """The tuned answer holds the prompt's key fact; None where the prompt has none."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The model as it stands, on prompts it never trained on. Step 0 is the base."""

    event: ClassVar[str] = "evaluated"
    step: int
    score: float
    """Share of held-out prompts that pass the task's scorer, 0 to 1."""
    fact_score: float | None
    """Share of held-out answers that hold the key fact, 0 to 1."""
    prompts: int
    """Held-out prompts scored in this look."""
    loss: float
    """Held-out loss on answer tokens, nats."""
    drift: float
    """‖ΔW‖ / ‖W‖, Frobenius, over the matrices that may move."""
    answers: tuple[Answer, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    """What the objective measures on held-out prompts besides the score, such as the answers' mean length."""


@dataclass(frozen=True, slots=True)
class Probed:
    """The forgetting probe: loss on general questions and answers that no task trains on."""

    event: ClassVar[str] = "probed"
    step: int
    loss: float
    """Nats per answer token."""
    items: int
    score: float | None = None
    """Share of the probe's questions that the model, asked, still answers rightly; None in runs of an older version."""
    asked: int = 0
    """Questions asked for the score."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder that the run left."""

    event: ClassVar[str] = "artifact"
    kind: str
    """"adapter", "head", "model", "delta" or "result"."""
    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of every run."""

    event: ClassVar[str] = "ended"
    status: str
    """"done", "cancelled" or "failed"."""
    sentence: str
    remedy: str = ""
    step: int = 0
    """Last optimizer step that was finished."""
    result: dict[str, Any] | None = None
    """What `result.json` holds; None when there is nothing to report."""


Event = Started | Phase | Step | Evaluated | Probed | Artifact | Ended
_KINDS = {kind.event: kind for kind in (Started, Phase, Step, Evaluated, Probed, Artifact, Ended)}


def event_to_json(event: Event) -> str:
    """One line of JSON. NaN and infinities become null, since JSON has neither."""
    return json.dumps({"event": event.event, "version": EVENT_VERSION, **_finite(asdict(event))}, ensure_ascii=False)


def event_from_json(line: str) -> Event:
    """Read one line. Raises ValueError for a line that is no event of a known kind."""
    data = json.loads(line)
    kind = _KINDS.get(str(data.get("event"))) if isinstance(data, dict) else None
    if kind is None:
        raise ValueError(f"not an event: {line[:80]!r}")
    known = {f.name for f in fields(kind)}
    values = {key: value for key, value in data.items() if key in known}
    if kind is Evaluated:
        values["answers"] = tuple(Answer(**answer) for answer in values.get("answers", ()))
    for name in ("loss", "grad_norm"):
        if name in values and values[name] is None:
            values[name] = math.nan
    return kind(**values)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
