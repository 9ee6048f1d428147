"""A question as the words of an address, and back; only what differs from the defaults is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.planner.options import CHOICES, Options, read_options

_WHOLE = ("rank", "virtual_tokens", "seq_len", "micro_batch", "accumulation", "gpus")
_NUMBERS = ("tokens", "epochs", "price")
_FLAGS = ("dynamic_padding", "kbit_prepare")
NAMES = ("model", "targets", "gpu", *CHOICES, *_WHOLE, *_NUMBERS, *_FLAGS)


def to_link(options: Options) -> dict[str, str]:
    """Names with hyphens -> text. A pasted config does not fit into an address and is left out."""
    plain = read_options({"model": options.model, "method": options.method}) if options.model else None
    out = {"model": options.model, "method": options.method} if options.model else {"method": options.method}
    for name in NAMES:
        value = getattr(options, name)
        if name not in out and value is not None and (plain is None or value != getattr(plain, name)):
            out[name.replace("_", "-")] = (
                str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
            )
    return out


def from_link(words: Mapping[str, str]) -> dict[str, Any]:
    """Plain values for `read_options`; what is no number where one is needed stays text, so that it is refused by name."""
    out: dict[str, Any] = {}
    for key, text in words.items():
        name = key.replace("-", "_")
        if name in NAMES:
            out[name] = _value(name, text)
    return out


def _value(name: str, text: str) -> Any:
    try:
        if name in _WHOLE:
            return int(text)
        if name in _NUMBERS:
            return float(text)
    except ValueError:
        return text
    if name in _FLAGS:
        return {"true": True, "false": False}.get(text.lower(), text)
    return text
