"""Numbers as people type them: 1.5e6, 1,500,000, 1.5M, "33.6 MB", 0.7 %; units are compared by what they measure."""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

MAX_LENGTH = 80

_BYTES = {"b": 1.0, "byte": 1.0, "bytes": 1.0}
for _power, _letter in enumerate("kmgtp", start=1):
    _BYTES |= {f"{_letter}b": 1000.0**_power, f"{_letter}ib": 1024.0**_power}
_BITS = {"bit": 0.125, "bits": 0.125, "kbit": 125.0, "mbit": 125e3, "gbit": 125e6}
_TIME = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours", "hr", "hrs"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_FLOP = {f"{letter}{word}": 1000.0**power for power, letter in enumerate(("", "k", "m", "g", "t", "p")) for word in ("flop", "flops")}
_RATIO = {"": 1.0, "x": 1.0, "×": 1.0, "times": 1.0, "fold": 1.0, "%": 0.01, "percent": 0.01}
_COUNTED = (
    "parameter",
    "token",
    "step",
    "example",
    "layer",
    "module",
    "level",
    "pair",
    "row",
    "run",
    "matrix",
    "batch",
    "episode",
    "gpu",
    "task",
)
_SCALE = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "g": 1e9,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "t": 1e12,
    "trillion": 1e12,
}


class Unit(NamedTuple):
    """What is measured, and how many base units one of it is."""

    measures: str
    size: float


class Problem(NamedTuple):
    """Why what was typed is no number in the unit that was asked for; whoever shows it words it."""

    kind: Literal["no_number", "too_large", "unknown_unit", "wrong_kind", "wrong_unit"]
    """Of the units: none that is known, one that measures something else, or one with which the number alone would be right."""
    typed: str = ""
    """The text, or the unit in it."""
    wanted: str = ""
    """The unit that was asked for; empty for a bare number."""
    measures: str = ""
    """What the typed unit measures, as `Unit` names it."""


class Reading(NamedTuple):
    """What was typed, in the unit that was asked for; or why it could not be read."""

    value: float | None
    typed: float | None = None
    """The bare number as typed, scale words included, for telling a wrong unit from a wrong number."""
    unit: str = ""
    """The unit as typed."""
    problem: Problem | None = None


def find_unit(text: str) -> Unit | None:
    """Look up a unit by the way people write it, letter case ignored. None where there is no such unit."""
    word = text.strip().lower().replace("⋅", "").strip(".")
    for measures, table in (("size", _BYTES), ("size", _BITS), ("time", _TIME), ("FLOPs", _FLOP), ("ratio", _RATIO)):
        if word in table:
            return Unit(measures, table[word])
    if word in ("$", "usd", "dollar", "dollars"):
        return Unit("money", 1.0)
    if word in ("nat", "nats"):
        return Unit("nats", 1.0)
    if word in ("tokens/s", "token/s", "tok/s", "tokens per second"):
        return Unit("tokens per second", 1.0)
    singular = {"params": "parameter", "param": "parameter", "weights": "parameter", "matrices": "matrix", "batches": "batch"}
    name = singular.get(word, word.removesuffix("s"))
    return Unit(name + "s", 1.0) if name in _COUNTED else None


_NUMBER = re.compile(
    r"""\s*(?P<money>[$])?\s*(?P<sign>[+\-−]?)
    (?P<digits>\d[\d,_'\u00a0\u202f\u2009 ]*(?:\.\d+)?|\.\d+)
    (?:\s*(?:[x×*]\s*10\s*(?:\^|\*\*)\s*|e)(?P<exponent>[+\-−]?\d{1,4}))?
    \s*(?P<rest>.*?)\s*$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def read_number(text: str, wanted: str) -> Reading:
    """Read `text` as a number in the unit `wanted`; a number without a unit is taken to be in it. Never raises."""
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_LENGTH else None
    number = _digits(found["digits"]) if found else None
    if found is None or number is None:
        return Reading(None, problem=Problem("no_number", text.strip()[:40], wanted))
    exponent = int((found["exponent"] or "0").replace("−", "-"))
    number = number * 10.0**exponent if abs(exponent) <= 300 else math.inf
    if found["sign"] in ("-", "−"):
        number = -number
    if not math.isfinite(number):
        return Reading(None, problem=Problem("too_large"))
    return _with_unit(number, found["rest"] or (found["money"] or ""), wanted)


def _with_unit(number: float, rest: str, wanted: str) -> Reading:
    asked = find_unit(wanted)
    if asked is None:
        raise ValueError(f"{wanted!r} is not a unit that this program knows")
    scale, word = _split(rest, asked)
    typed = number * scale
    if not word:
        return Reading(typed, typed)
    unit = find_unit(word)
    if unit is None:
        return Reading(None, typed, word, Problem("unknown_unit", word[:20], wanted))
    if unit.measures != asked.measures:
        return Reading(None, typed, word, Problem("wrong_kind", word, wanted, unit.measures))
    return Reading(typed * unit.size / asked.size, typed, word)


def _split(rest: str, asked: Unit) -> tuple[float, str]:
    """Take a scale word off the front: "M parameters" is 1e6 and "parameters". B is bytes where a size is asked, else a billion."""
    first, _, last = rest.partition(" ")
    lowered = first.lower()
    if asked.measures == "size" and not last and lowered in ("k", "m", "g", "t"):
        return 1.0, first + "B"
    if lowered in _SCALE and asked.measures != "time" and not (asked.measures == "size" and lowered == "b"):
        return _SCALE[lowered], last.strip()
    return 1.0, rest


def _digits(text: str) -> float | None:
    """A decimal point, thousands in groups of three; one comma with another count of digits behind it is a decimal comma."""
    plain = re.sub(r"[_'\u00a0\u202f\u2009 ]+", " ", text).strip()
    if re.fullmatch(r"\d+,\d+", plain) and not re.fullmatch(r"[1-9]\d{0,2},\d{3}", plain):
        plain = plain.replace(",", ".")
    whole, dot, decimals = plain.partition(".")
    groups = re.split(r"[, ]", whole)
    if len(groups) > 1 and any(len(group) != 3 for group in groups[1:]):
        return None
    try:
        return float("".join(groups) + dot + decimals)
    except ValueError:
        return None
