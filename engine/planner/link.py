"""A question as the words of an address, and back; what the reader would infer by itself is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from engine.planner.families import fields_read
from engine.planner.options import CHOICES, FLAGS, NUMBERS, WHOLE, Options, filled

# Others are inferred from these three, so they are settled first.
NAMES = tuple(
    dict.fromkeys(("method", "weights", "gpus", *CHOICES, *(f.name for f in fields(Options) if f.name not in ("model", "config"))))
)


def to_link(options: Options) -> dict[str, str]:
    """Names with hyphens -> text, as few as `read_options(from_link(...))` needs to make the same question again.

    Of a pasted config only the fields that the calculator reads are kept. Raises SpecError where it cannot be read.
    """
    words = (
        {"model": options.model} if options.config is None else {"config": json.dumps(fields_read(options.config), separators=(",", ":"))}
    )
    words["method"] = options.method
    given: dict[str, Any] = {"method": options.method}
    for name in NAMES:
        value = getattr(options, name)
        idle = name == "tokens" and options.examples is not None
        if value is not None and not idle and value != getattr(filled(given), name):
            given[name] = value
            words[name.replace("_", "-")] = _text(value)
    return words


def from_link(words: Mapping[str, str]) -> dict[str, Any]:
    """Plain values for `read_options`; what is no number where one is needed stays text, so that it is refused by name."""
    out: dict[str, Any] = {}
    for key, text in words.items():
        name = key.replace("-", "_")
        if name in NAMES or name in ("model", "config"):
            out[name] = _value(name, text)
    return out


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


def _value(name: str, text: str) -> Any:
    try:
        if name in WHOLE:
            return int(text)
        if name in NUMBERS:
            return float(text)
        if name == "config":
            return json.loads(text)
    except (ValueError, RecursionError):
        return text
    if name in FLAGS:
        return {"true": True, "false": False}.get(text.lower(), text)
    return text
