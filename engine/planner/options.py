"""What is asked: one frozen record, read from plain values (a link, a JSON line, the command line) with every refusal in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from engine.contracts import SpecError

CHOICES: dict[str, tuple[str, ...]] = {
    "method": ("full", "lora", "qlora", "prompt", "prefix", "head"),
    "objective": ("sft", "classify", "dpo", "reward", "rlhf"),
    "reference": ("adapter-off", "copy", "precomputed"),
    "weights": ("fp32", "bf16", "fp16", "int8", "nf4", "nf4-dq", "fp4"),
    "trainable_dtype": ("fp32", "bf16"),
    "autocast": ("none", "bf16"),
    "optimizer": ("adamw", "adamw-fused", "adamw-8bit", "paged-adamw-32bit", "paged-adamw-8bit", "adafactor", "sgd"),
    "checkpointing": ("none", "selective", "full"),
    "attention": ("eager", "sdpa", "flash"),
    "logits": ("whole", "legacy", "inplace", "chunked", "fused"),
    "sharding": ("ddp", "zero1", "zero2", "zero3", "fsdp"),
    "offload": ("none", "optimizer", "all"),
    "software": ("hf", "hf-triton", "litgpt"),
}
QUANTIZED = ("int8", "nf4", "nf4-dq", "fp4")
FOUR_BIT = ("nf4", "nf4-dq", "fp4")
TARGET_WORDS = ("q,v", "qkvo", "all-linear")
WHOLE: dict[str, tuple[int, int, str]] = {
    "rank": (1, 65_536, "use 8 for a first run"),
    "virtual_tokens": (1, 100_000, "use 20 for a first run"),
    "seq_len": (1, 10_000_000, "use 512 for a first run"),
    "micro_batch": (1, 100_000, "use 1 for a first run"),
    "accumulation": (1, 1_000_000, "use 1 for a first run"),
    "gpus": (1, 1024, "use 1 for one card"),
    "tokens_per_example": (1, 10_000_000, "give the mean length of an example"),
    "examples": (1, 10**13, "give the examples of one epoch"),
}
NUMBERS: dict[str, tuple[float, float, str]] = {
    "tokens": (1, 1e15, "give the tokens of one epoch"),
    "epochs": (1e-6, 1e6, "use 1 for one pass over the data"),
    "price": (0, 1e6, "give US dollars per GPU and hour"),
}
FLAGS = ("packing", "dynamic_padding", "kbit_prepare")
_DEFAULTS_BY_METHOD = {"qlora": "nf4-dq"}


@dataclass(frozen=True, slots=True)
class Options:
    """One question to the calculator. Build it with `read_options`, which fills what depends on other fields."""

    model: str = ""
    """Hub id in the catalogue; empty where `config` is given."""
    config: Mapping[str, Any] | None = field(default=None, hash=False)
    """A config.json as an object."""
    method: str = "lora"
    objective: str = "sft"
    reference: str = "adapter-off"
    """DPO, RLHF: the reference is the policy with its adapter switched off, a second copy, or its log-probabilities are stored."""
    weights: str = "bf16"
    """How the weights lie in memory."""
    trainable_dtype: str = "bf16"
    """What is trained, and its optimizer states."""
    autocast: str = "none"
    optimizer: str = "adamw"
    rank: int = 16
    targets: str = "q,v"
    virtual_tokens: int = 20
    seq_len: int = 512
    micro_batch: int = 1
    accumulation: int = 1
    packing: bool = False
    """Several examples fill each row up to `seq_len`, so that nothing is padded."""
    dynamic_padding: bool = False
    """Lengths vary below `seq_len`: the allocator keeps more, and a padding mask is kept."""
    checkpointing: str = "none"
    attention: str = "sdpa"
    logits: str = "whole"
    gpu: str = "A100 80GB SXM"
    """Name in the list, or a number of GiB."""
    gpus: int = 1
    sharding: str = "ddp"
    offload: str = "none"
    tokens_per_example: int | None = None
    """Mean length of an example; what is above `seq_len` is cut off."""
    examples: int | None = None
    """Examples of one epoch."""
    tokens: float | None = None
    """Tokens of one epoch, padding counted where it is computed; follows from the examples where those are given."""
    epochs: float = 1.0
    price: float | None = None
    """US dollars per GPU and hour; None takes the list's band."""
    kbit_prepare: bool = False
    """PEFT's prepare_model_for_kbit_training: everything that is not quantized becomes fp32."""
    software: str = "hf"
    """hf: transformers and PEFT; hf-triton: with fused norm, rotary and LoRA kernels; litgpt."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON or a link, of what applies; `read_options` makes the same question of them."""
        idle = {
            "rank": self.method not in ("lora", "qlora"),
            "targets": self.method not in ("lora", "qlora"),
            "kbit_prepare": self.method != "qlora",
            "virtual_tokens": self.method not in ("prompt", "prefix"),
            "reference": self.objective not in ("dpo", "rlhf"),
            "sharding": self.gpus == 1,
            "tokens": self.examples is not None,
        }
        return {key: value for key, value in asdict(self).items() if value is not None and value != "" and not idle.get(key)}

    @property
    def real_share(self) -> float | None:
        """Share of the computed tokens that are text and not padding; None where the length of the examples is not given."""
        if self.tokens_per_example is None:
            return None
        unpadded = self.packing or (self.dynamic_padding and self.micro_batch == 1)  # a row alone in its batch has its own length
        return 1.0 if unpadded else min(self.tokens_per_example / self.seq_len, 1.0)


_FIELDS = {f.name for f in fields(Options)}


def read_options(values: Mapping[str, Any]) -> Options:
    """Check plain values and fill what depends on others.

    Raises:
        SpecError: an unknown key, a wrong type, a value out of range, or options that contradict each other; each in one sentence.
    """
    if not isinstance(values, Mapping):
        raise SpecError(f"a question is a JSON object of options, not {type(values).__name__}")
    given = {str(key).replace("-", "_"): value for key, value in values.items() if value is not None}
    problems = [problem for key, value in given.items() if (problem := _problem(key, value))]
    if bool(given.get("model")) == ("config" in given):
        problems.append(
            "model and config are both given; leave one out" if given.get("model") else "model is missing; name one of the catalogue"
        )
    if problems:
        raise SpecError(*problems)
    options = filled(given)
    clashes = _contradictions(options, given)
    if clashes:
        raise SpecError(*clashes)
    return options


def _problem(key: str, value: Any) -> str:
    if key not in _FIELDS:
        near = difflib.get_close_matches(key, _FIELDS, n=1)
        return f"{key[:40]} is not an option{f'; did you mean {near[0]}?' if near else ''}"
    if key in CHOICES:
        return "" if isinstance(value, str) and value in CHOICES[key] else f"{key}={value!r:.40} is not one of {', '.join(CHOICES[key])}"
    if key in WHOLE:
        low, high, remedy = WHOLE[key]
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole and low <= value <= high else f"{key}={value!r:.40} must be a whole number from {low} to {high}; {remedy}"
    if key in NUMBERS:
        least, most, remedy = NUMBERS[key]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if number and least <= value <= most else f"{key}={value!r:.40} must be a number from {least:g} to {most:g}; {remedy}"
    if key in FLAGS:
        return "" if isinstance(value, bool) else f"{key}={value!r:.40} must be true or false"
    if key == "config":
        return "" if isinstance(value, Mapping) else f"config must be a JSON object, not {type(value).__name__}"
    if key == "gpu" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return ""
    return "" if isinstance(value, str) and 0 < len(value) <= 500 else f"{key}={value!r:.40} must be a name"


def filled(given: Mapping[str, Any]) -> Options:
    """Options with what is left out inferred from what is given; nothing is checked."""
    method = given.get("method", "lora")
    out = dict(given)
    out.setdefault("weights", _DEFAULTS_BY_METHOD.get(method, "bf16"))
    weights = out["weights"]
    out.setdefault(
        "trainable_dtype", "fp32" if weights == "fp32" or weights == "fp16" or method in ("prompt", "prefix", "head") else "bf16"
    )
    out.setdefault("objective", "classify" if method == "head" else "sft")
    pure = out["trainable_dtype"] == "bf16" or (weights == "bf16" and method in ("prompt", "prefix", "head"))
    out.setdefault("autocast", "none" if pure else "bf16")
    out.setdefault("sharding", "ddp" if out.get("gpus", 1) == 1 or method != "full" else "zero3")
    out.setdefault("reference", "adapter-off" if method in ("lora", "qlora", "prompt", "prefix") else "copy")
    out["gpu"] = str(out.get("gpu", "A100 80GB SXM"))
    options = Options(**out)
    if options.examples is None or options.tokens_per_example is None or "tokens" in given:
        return options
    text = options.examples * min(options.tokens_per_example, options.seq_len)
    return replace(options, tokens=text / (options.real_share or 1.0))


def _contradictions(o: Options, given: Mapping[str, Any]) -> list[str]:
    problems = []

    def clash(bad: bool, sentence: str) -> None:
        if bad:
            problems.append(sentence)

    adapter = o.method in ("lora", "qlora")
    clash(
        o.method == "qlora" and o.weights not in QUANTIZED,
        f"weights={o.weights} is not quantized; qlora needs one of {', '.join(QUANTIZED)}",
    )
    clash(o.method == "full" and o.weights in QUANTIZED, f"weights={o.weights} cannot be trained; use bf16 for full, or method qlora")
    clash(o.method == "lora" and o.weights in QUANTIZED, f"weights={o.weights} with method lora is QLoRA; use method qlora")
    clash(
        o.method == "full" and o.weights == "fp32" and o.trainable_dtype == "bf16",
        "trainable_dtype=bf16 with weights=fp32 cannot be for full; use weights bf16",
    )
    clash(
        o.method == "full" and o.weights == "fp16" and o.trainable_dtype == "bf16",
        "trainable_dtype=bf16 with weights=fp16 cannot be for full; use fp32",
    )
    clash("rank" in given and not adapter, f"rank={o.rank} is for lora and qlora; leave it out for {o.method}")
    clash("targets" in given and not adapter, f"targets={o.targets!r:.40} is for lora and qlora; leave it out for {o.method}")
    clash(
        "virtual_tokens" in given and o.method not in ("prompt", "prefix"),
        f"virtual_tokens={o.virtual_tokens} is for prompt and prefix; leave it out for {o.method}",
    )
    clash(
        o.method == "head" and o.objective not in ("classify", "reward"),
        f"objective={o.objective} does not go with method head; use classify",
    )
    clash("reference" in given and o.objective not in ("dpo", "rlhf"), f"reference={o.reference} is for dpo and rlhf; leave it out")
    clash(
        o.reference == "adapter-off" and o.objective in ("dpo", "rlhf") and o.method in ("full", "head"),
        f"reference=adapter-off needs an adapter; use copy with method {o.method}",
    )
    clash(o.kbit_prepare and o.method != "qlora", "kbit_prepare=true is for qlora; leave it out")
    clash(
        o.gpus == 1 and "sharding" in given and o.sharding != "ddp",
        f"sharding={o.sharding} needs more than one GPU; raise gpus or leave it out",
    )
    clash(o.offload != "none" and o.optimizer.startswith("paged"), f"offload={o.offload} and optimizer={o.optimizer} do the same; use one")
    clash(
        o.tokens_per_example is None and o.examples is not None,
        f"examples={o.examples} needs tokens_per_example; give the mean length of an example",
    )
    clash(
        "tokens" in given and o.examples is not None,
        f"tokens={given.get('tokens')} and examples={o.examples} are both given; leave one out",
    )
    clash(o.packing and o.dynamic_padding, "packing=true fills every row, so dynamic_padding=true cannot be; leave one out")
    clash(o.packing and o.objective != "sft", f"packing=true is for objective sft; leave it out for {o.objective}")
    clash(
        o.method == "prefix" and o.checkpointing != "none",
        f"checkpointing={o.checkpointing} does not go with prefix, which needs the cache; use none",
    )
    return problems
