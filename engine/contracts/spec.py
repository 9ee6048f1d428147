"""RunSpec: what a run is, in full. Frozen, checked on construction, JSON both ways, with a stable hash."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from engine.contracts.errors import SpecError

SPEC_VERSION = 1
RECIPE = 1
"""Raised when the same spec comes to another result, so that recorded rows of an older recipe are found and made anew."""
METHODS = ("full", "lora", "qlora", "prompt", "prefix", "head")
OBJECTIVES = ("sft", "classify", "dpo", "reward", "rlhf")
CELLS: dict[str, tuple[str, ...]] = {
    "sft": ("full", "lora", "qlora", "prompt", "prefix"),
    "classify": ("full", "lora", "qlora", "prompt", "prefix", "head"),
    "dpo": ("full", "lora", "qlora"),
    "reward": ("full", "lora", "qlora", "head"),
    "rlhf": ("full", "lora", "qlora"),
}
"""Objective -> the adaptations that make sense with it."""
DTYPES = ("auto", "fp32", "bf16")
OPTIMIZERS = ("adamw", "adamw8bit", "paged-adamw8bit")
TARGET_WORDS = ("q,v", "qkvo", "all-linear")
CHOICES: dict[str, tuple[Any, ...]] = {
    "method": METHODS,
    "objective": OBJECTIVES,
    "dtype": DTYPES,
    "optimizer": OPTIMIZERS,
    "scaling": ("standard", "rslora"),
    "init": ("default", "pissa"),
    "quant": ("nf4", "fp4"),
    "block_size": (64, 128, 256, 512),
    "token_init": ("text", "random"),
    "pooling": ("last", "mean"),
    "preference_loss": ("dpo", "ipo", "simpo"),
    "pairs": ("own", "made-up"),
    "fault": ("wrong-template", "prompt-loss", "adapter-off", "compared-with-itself", "outlier"),
}
"""Field -> the words that it takes."""
MAX_LEARNING_RATE = 10
MAX_SEED = 2**31 - 1
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
    scaling: str | None = None
    """LoRA: "standard" scales by alpha / rank, "rslora" by alpha / sqrt(rank). Kalajdzievski 2023, 2312.03732."""
    init: str | None = None
    """LoRA: "default" (B = 0) or "pissa" (the leading directions of W; Meng et al. 2024, 2404.02948)."""
    dora: bool | None = None
    """LoRA: learn a magnitude for each column beside the direction. Liu et al. 2024, 2402.09353, Eq. 5."""
    quant: str | None = None
    """QLoRA: "nf4" or "fp4", the 16 levels of a frozen weight. Dettmers et al. 2023, 2305.14314, §3."""
    block_size: int | None = None
    """QLoRA: weights that share one scale."""
    double_quant: bool | None = None
    """QLoRA: keep the scales themselves in 8 bits. Dettmers et al. 2023, §3."""
    virtual_tokens: int | None = None
    """Prompt and prefix tuning: learned positions k. Lester et al. 2021, 2104.08691; Li & Liang 2021, 2101.00190."""
    token_init: str | None = None
    """Prompt and prefix tuning: start from the "text" of an instruction or at "random"."""
    reparametrise: bool | None = None
    """Prefix tuning: train through a small network that is dropped afterwards. Li & Liang 2021, §4.3."""
    pooling: str | None = None
    """Classify: the classifier reads the "last" token's hidden state, or the "mean" over the tokens."""
    beta: float | None = None
    """DPO: strength β of the leash to the reference. Rafailov et al. 2023, 2305.18290, Eq. 7."""
    label_smoothing: float | None = None
    """DPO: share of pairs assumed to be labelled the wrong way round, 0 to below 0.5."""
    preference_loss: str | None = None
    """DPO: "dpo", "ipo" (Azar et al. 2023, 2310.12036) or "simpo" (Meng et al. 2024, 2405.14734)."""
    reference: str | None = None
    """DPO: "base" compares with the frozen base, "run:ID" with the model that a run of this machine saved, "none" with nothing (a fault that teaches)."""
    pairs: str | None = None
    """DPO, reward, RLHF: rejected answers "own" (said by the base model itself) or "made-up"."""
    kl_weight: float | None = None
    """RLHF: nats of KL to the base that cost one unit of reward."""
    reward_model: str | None = None
    """RLHF: "pairs" fits one to the preference pairs at the start, "run:ID" takes the one that a run of this machine trained."""
    samples: int | None = None
    """RLHF: answers sampled for each prompt of a step, 2 or more."""
    task_types: int | None = None
    """SFT on the instruction mixture: how many types of task the examples are drawn from; 0 draws none."""
    rehearsal: float | None = None
    """SFT: share of the rows of the run's steps that are old data, 0 to below 1. Scialom et al. 2022, 2205.12393."""
    fault: str | None = None
    """A mistake made on purpose, for the clinic; see `CHOICES`."""
    optimizer: str = "adamw"
    """AdamW with fp32 states, or with 8-bit states (Dettmers et al. 2021, 2110.02861), paged or not."""
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
        for name, usual in _USUAL.items():
            if getattr(self, name) is None and name in _fields_of(self.method, self.objective):
                object.__setattr__(self, name, usual)  # left out and said aloud are one spec, with one hash
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
        """16 hexadecimal digits of SHA-256 over the canonical JSON: equal specs, equal hash, on any machine.

        What is as usual stays out, so that a field that is added later changes no older spec's hash.
        """
        said = {k: v for k, v in asdict(self).items() if v is not None and (k not in _USUAL or v != _USUAL[k])}
        canonical = json.dumps(said, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def reference_run(self) -> str | None:
        """Id of the run whose model is the reference; None for the base and for none."""
        return _run_id(self.reference)

    @property
    def reward_run(self) -> str | None:
        """Id of the run whose reward model scores the answers; None where one is fitted to the pairs."""
        return _run_id(self.reward_model)

    def with_(self, **changes: Any) -> RunSpec:
        """A changed copy, checked again."""
        return replace(self, **changes)


def _run_id(said: str | None) -> str | None:
    """The id in "run:ID"; None for other words."""
    kind, _, run_id = (said or "").partition(":")
    return run_id if kind == "run" else None


_ADAPTER_FIELDS = ("rank", "alpha", "targets", "dropout", "scaling", "init", "dora")
_QUANT_FIELDS = ("quant", "block_size", "double_quant")
_METHOD_FIELDS: dict[str, tuple[str, ...]] = {
    "lora": _ADAPTER_FIELDS,
    "qlora": (*_ADAPTER_FIELDS, *_QUANT_FIELDS),
    "prompt": ("virtual_tokens", "token_init"),
    "prefix": ("virtual_tokens", "token_init", "reparametrise"),
}
_OBJECTIVE_FIELDS: dict[str, tuple[str, ...]] = {
    "sft": ("rehearsal",),
    "classify": ("pooling",),
    "dpo": ("pairs", "beta", "label_smoothing", "preference_loss", "reference"),
    "reward": ("pairs",),
    "rlhf": ("pairs", "kl_weight", "samples", "reward_model"),
}
_USUAL: dict[str, Any] = {
    "scaling": "standard",
    "init": "default",
    "dora": False,
    "quant": "nf4",
    "block_size": 64,
    "double_quant": True,
    "reparametrise": False,
    "pooling": "last",
    "label_smoothing": 0.0,
    "preference_loss": "dpo",
    "reference": "base",
    "reward_model": "pairs",
    "rehearsal": 0.0,
    "optimizer": "adamw",
}
"""Fields that may be left out, with what they then are; the others of a cell must be given."""
_WHOLE = ("rank", "block_size", "virtual_tokens", "samples", "task_types")
_REAL = ("alpha", "dropout", "beta", "label_smoothing", "kl_weight", "rehearsal")
_SWITCH = ("dora", "double_quant", "reparametrise")
_OPTIONAL_TEXT = (
    "targets",
    "scaling",
    "init",
    "quant",
    "token_init",
    "pooling",
    "preference_loss",
    "reference",
    "reward_model",
    "pairs",
    "fault",
)
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("model", "task", "method", "objective", "dtype", "optimizer"), (str,)),
    **dict.fromkeys(("steps", "micro_batch", "examples", "eval_every", "seed", "version"), (int,)),
    "learning_rate": (int, float),
    **dict.fromkeys(_WHOLE, (int, type(None))),
    **dict.fromkeys(_REAL, (int, float, type(None))),
    **dict.fromkeys(_SWITCH, (bool, type(None))),
    **dict.fromkeys(_OPTIONAL_TEXT, (str, type(None))),
}


def _fields_of(method: str, objective: str) -> tuple[str, ...]:
    """The fields that a cell has beyond those that every run has."""
    return _METHOD_FIELDS.get(str(method), ()) + _OBJECTIVE_FIELDS.get(str(objective), ())


def _type_problems(spec: RunSpec) -> list[str]:
    problems = []
    for name, types in _TYPES.items():
        value = getattr(spec, name)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wanted = " or ".join(t.__name__ for t in types if t is not type(None))
            problems.append(f"{name}={value!r:.60} must be of type {wanted}")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if isinstance(value, float) and not math.isfinite(value):
                problems.append(f"{name}={value} must be a finite number")
            elif name == "learning_rate" or name in _REAL:
                object.__setattr__(spec, name, float(value))  # 16 and 16.0 are one spec, with one hash
    return problems


LIMITS: dict[str, tuple[float, float, str]] = {
    "virtual_tokens": (1, 512, "use 20 for a first run"),
    "beta": (1e-4, 100, "use 0.1 for a first run"),
    "label_smoothing": (0, 0.49, "use 0 for a first run"),
    "kl_weight": (0, 100, "use 0.1 for a first run"),
    "samples": (2, 64, "use 4 for a first run"),
    "task_types": (0, 64, "0 draws no example of any type"),
}
"""Field -> least and greatest value, and what to take."""


def _range_problems(spec: RunSpec) -> list[str]:
    problems = []

    def need(good: bool, name: str, rule: str) -> None:
        if not good:
            problems.append(f"{name}={getattr(spec, name)!r:.60} {rule}")

    need(bool(spec.model.strip()) and len(spec.model) <= 200, "model", "must name a model; list them with: python -m engine models")
    need(bool(spec.task.strip()) and len(spec.task) <= 200, "task", "must name a task; list them with: python -m engine tasks")
    for name, words in CHOICES.items():
        if getattr(spec, name) is not None:
            need(getattr(spec, name) in words, name, f"is not one of {', '.join(map(str, words))}")
    rule = f"must be above 0 and at most {MAX_LEARNING_RATE}; use 1e-3 for a first LoRA run"
    need(0 < spec.learning_rate <= MAX_LEARNING_RATE, "learning_rate", rule)
    need(1 <= spec.steps <= MAX_STEPS, "steps", f"must be 1 to {MAX_STEPS}; use 24 for a first run")
    need(1 <= spec.micro_batch <= MAX_MICRO_BATCH, "micro_batch", f"must be 1 to {MAX_MICRO_BATCH}; use 4 for a first run")
    need(1 <= spec.examples <= MAX_EXAMPLES, "examples", f"must be 1 to {MAX_EXAMPLES}; use 48 for a first run")
    need(0 <= spec.eval_every <= MAX_STEPS, "eval_every", f"must be 0 to {MAX_STEPS}; 0 looks at the start and the end only")
    need(0 <= spec.seed <= MAX_SEED, "seed", f"must be 0 to {MAX_SEED}")
    need(spec.version == SPEC_VERSION, "version", f"must be {SPEC_VERSION}")
    for name, (low, high, advice) in LIMITS.items():
        if getattr(spec, name) is not None:
            need(low <= getattr(spec, name) <= high, name, f"must be {low:g} to {high:g}; {advice}")
    if spec.rank is not None:
        need(spec.rank >= 1, "rank", "must be at least 1; use 8 for a first run")
    if spec.alpha is not None:
        need(0 < spec.alpha <= 100_000, "alpha", "must be above 0 and at most 100000; use 16 with rank 8")
    if spec.dropout is not None:
        need(0 <= spec.dropout < 1, "dropout", "must be 0 to below 1; use 0 for a first run")
    if spec.rehearsal is not None:
        need(0 <= spec.rehearsal < 1, "rehearsal", "must be 0 to below 1; use 0.25 for a first run")
    for name, words in (("reference", ("base", "none")), ("reward_model", ("pairs",))):
        if (said := getattr(spec, name)) not in (None, *words):
            run_id = _run_id(said) or ""
            rule = f"must be {', '.join(words)}, or run:ID with the id of a finished run"
            need(run_id.isalnum() and len(run_id) <= 40, name, rule)
    if spec.targets is not None:
        names = [part.strip() for part in spec.targets.split(",")]
        good = all(name and name.replace("_", "").replace(".", "").replace("-", "").isalnum() for name in names)
        need(
            good and len(spec.targets) <= 500, "targets", f"must be one of {' / '.join(TARGET_WORDS)}, or module names separated by commas"
        )
    return problems


def _combination_problems(spec: RunSpec) -> list[str]:
    fitting = CELLS[spec.objective]
    if spec.method not in fitting:
        others = ", ".join(objective for objective, methods in CELLS.items() if spec.method in methods)
        return [
            f"method={spec.method} does not go with objective={spec.objective}; "
            f"{spec.objective} goes with {', '.join(fitting)}, and {spec.method} with {others}"
        ]
    mine, problems = _fields_of(spec.method, spec.objective), []
    for owners in (_METHOD_FIELDS, _OBJECTIVE_FIELDS):
        axis = "method" if owners is _METHOD_FIELDS else "objective"
        for name in dict.fromkeys(name for names in owners.values() for name in names):
            given = getattr(spec, name) is not None
            where = " or ".join(owner for owner, names in owners.items() if name in names)
            if given and name not in mine:
                value = getattr(spec, axis)
                problems.append(f"{name}={getattr(spec, name)!r} belongs to {axis} {where}; leave it out for {axis} {value}")
            elif not given and name in owners.get(getattr(spec, axis), ()):
                needs = ", ".join(owners[getattr(spec, axis)])
                problems.append(f"{name} is missing; {axis} {getattr(spec, axis)} needs {needs}")
    if spec.task_types is not None and spec.objective != "sft":
        problems.append(f"task_types={spec.task_types} belongs to objective sft; leave it out for objective {spec.objective}")
    return problems
