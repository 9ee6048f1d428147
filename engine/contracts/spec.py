"""RunSpec: what a run is, in full. Frozen, checked on construction, JSON both ways, with a stable hash."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from engine.contracts.errors import SpecError

SPEC_VERSION = 1
METHODS = ("full", "lora")
OBJECTIVES = ("sft",)
DTYPES = ("auto", "fp32", "bf16")
TARGET_WORDS = ("q,v", "qkvo", "all-linear")
MAX_STEPS = 10_000
MAX_MICRO_BATCH = 512
MAX_EXAMPLES = 100_000


@dataclass(frozen=True, slots=True)
class RunSpec:
    """base model x task x adaptation x objective x hyperparameters x seed."""

    model: str
    """Name in the catalogue, or a hub id such as "org/name"."""
    task: str
    """Name of a task of `engine.catalog`."""
    method: str = "lora"
    """Adaptation: which parameters may move."""
    objective: str = "sft"
    """What they are moved for."""
    rank: int | None = None
    """LoRA: inner dimension r of ΔW = BA, directions. Hu et al. 2021, 2106.09685, §4.1."""
    alpha: float | None = None
    """LoRA: ΔW is scaled by alpha / rank. Hu et al. 2021, §4.1."""
    targets: str | None = None
    """LoRA: "q,v", "qkvo", "all-linear", or module names separated by commas."""
    dropout: float | None = None
    """LoRA: share of the adapter's inputs set to zero in training, 0 to below 1."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW, per step."""
    steps: int = 24
    """Optimizer steps."""
    micro_batch: int = 4
    """Examples in one forward and backward pass."""
    examples: int = 48
    """Training examples taken from the task, in its own order."""
    eval_every: int = 6
    """Steps between two looks at drift and held-out score; 0 looks at the start and the end only."""
    seed: int = 0
    """Seeds initialisation, order of examples and dropout."""
    dtype: str = "auto"
    """Compute dtype: "auto" takes bf16 where it is native, else fp32. What is trained is always kept in fp32."""
    version: int = SPEC_VERSION
    """Version of this format."""

    def __post_init__(self) -> None:
        problems = _type_problems(self)
        if not problems:
            problems = _range_problems(self) + _combination_problems(self)
        if problems:
            raise SpecError(*problems)

    def to_json(self, indent: int | None = None) -> str:
        """All fields, those that do not apply to the method left out; keys in the order of the class."""
        return json.dumps({k: v for k, v in asdict(self).items() if v is not None}, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> RunSpec:
        """Read a spec. Raises SpecError for text that is no JSON object, unknown fields or a newer version."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"the spec is not JSON ({error}); print one with: python -m engine spec") from None
        return cls.from_dict(data)

    @classmethod
    def from_dict(cls, data: Any) -> RunSpec:
        """Build a spec from plain values. Raises SpecError as `from_json` does."""
        if not isinstance(data, dict):
            raise SpecError(f"a spec is a JSON object, not {type(data).__name__}; print one with: python -m engine spec")
        version = data.get("version", SPEC_VERSION)
        if isinstance(version, int) and version > SPEC_VERSION:
            raise SpecError(f"version={version} is newer than this program's {SPEC_VERSION}; update Delta Lab to run it")
        known = {f.name for f in fields(cls)}
        unknown = sorted(str(key) for key in data if key not in known)
        missing = [name for name in ("model", "task") if name not in data]
        problems = [f"{name}={str(data[name])[:40]!r} is not a field of a spec; remove it" for name in unknown if name in data]
        problems += [f"{name} is missing; a spec needs at least model and task" for name in missing]
        if problems:
            raise SpecError(*problems)
        return cls(**data)

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of SHA-256 over the canonical JSON: equal specs, equal hash, on any machine."""
        canonical = json.dumps({k: v for k, v in asdict(self).items() if v is not None}, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def with_(self, **changes: Any) -> RunSpec:
        """A changed copy, checked again."""
        return replace(self, **changes)


_LORA_FIELDS = ("rank", "alpha", "targets", "dropout")
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("model", "task", "method", "objective", "dtype"), (str,)),
    **dict.fromkeys(("steps", "micro_batch", "examples", "eval_every", "seed", "version"), (int,)),
    "learning_rate": (int, float),
    "rank": (int, type(None)),
    "alpha": (int, float, type(None)),
    "targets": (str, type(None)),
    "dropout": (int, float, type(None)),
}


def _type_problems(spec: RunSpec) -> list[str]:
    problems = []
    for name, types in _TYPES.items():
        value = getattr(spec, name)
        if not isinstance(value, types) or isinstance(value, bool):
            wanted = " or ".join(t.__name__ for t in types if t is not type(None))
            problems.append(f"{name}={value!r:.60} must be of type {wanted}")
        elif isinstance(value, (int, float)):
            if isinstance(value, float) and not math.isfinite(value):
                problems.append(f"{name}={value} must be a finite number")
            elif name in ("learning_rate", "alpha", "dropout"):
                object.__setattr__(spec, name, float(value))  # 16 and 16.0 are one spec, with one hash
    return problems


def _range_problems(spec: RunSpec) -> list[str]:
    problems = []

    def need(good: bool, name: str, rule: str) -> None:
        if not good:
            problems.append(f"{name}={getattr(spec, name)!r:.60} {rule}")

    need(bool(spec.model.strip()) and len(spec.model) <= 200, "model", "must name a model; list them with: python -m engine models")
    need(bool(spec.task.strip()) and len(spec.task) <= 200, "task", "must name a task; list them with: python -m engine tasks")
    need(spec.method in METHODS, "method", f"is not one of {', '.join(METHODS)}")
    need(spec.objective in OBJECTIVES, "objective", f"is not one of {', '.join(OBJECTIVES)}")
    need(spec.dtype in DTYPES, "dtype", f"is not one of {', '.join(DTYPES)}")
    need(0 < spec.learning_rate <= 10, "learning_rate", "must be above 0 and at most 10; use 1e-3 for a first LoRA run")
    need(1 <= spec.steps <= MAX_STEPS, "steps", f"must be 1 to {MAX_STEPS}; use 24 for a first run")
    need(1 <= spec.micro_batch <= MAX_MICRO_BATCH, "micro_batch", f"must be 1 to {MAX_MICRO_BATCH}; use 4 for a first run")
    need(1 <= spec.examples <= MAX_EXAMPLES, "examples", f"must be 1 to {MAX_EXAMPLES}; use 48 for a first run")
    need(0 <= spec.eval_every <= MAX_STEPS, "eval_every", f"must be 0 to {MAX_STEPS}; 0 looks at the start and the end only")
    need(0 <= spec.seed < 2**31, "seed", f"must be 0 to {2**31 - 1}")
    need(spec.version == SPEC_VERSION, "version", f"must be {SPEC_VERSION}")
    if spec.rank is not None:
        need(spec.rank >= 1, "rank", "must be at least 1; use 8 for a first run")
    if spec.alpha is not None:
        need(0 < spec.alpha <= 100_000, "alpha", "must be above 0 and at most 100000; use 16 with rank 8")
    if spec.dropout is not None:
        need(0 <= spec.dropout < 1, "dropout", "must be 0 to below 1; use 0 for a first run")
    if spec.targets is not None:
        names = [part.strip() for part in spec.targets.split(",")]
        good = all(name and name.replace("_", "").replace(".", "").replace("-", "").isalnum() for name in names)
        need(
            good and len(spec.targets) <= 500, "targets", f"must be one of {' / '.join(TARGET_WORDS)}, or module names separated by commas"
        )
    return problems


def _combination_problems(spec: RunSpec) -> list[str]:
    if spec.method == "lora":
        return [f"{name} is missing; method lora needs {', '.join(_LORA_FIELDS)}" for name in _LORA_FIELDS if getattr(spec, name) is None]
    if spec.method == "full":
        return [
            f"{name}={getattr(spec, name)!r} belongs to method lora; leave it out for method full"
            for name in _LORA_FIELDS
            if getattr(spec, name) is not None
        ]
    return []
