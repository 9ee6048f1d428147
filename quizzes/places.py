"""Where things stand in a TOML file, so that a problem can be told with its line; `tomllib` only tells lines of syntax errors."""

from __future__ import annotations

import re
from bisect import bisect_right

Path = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\- \"']+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w\-]+|\"[^\"]*\")\s*(?:\.[\w.\-]+\s*)?=\s*(.*)$", re.DOTALL)


def places(text: str) -> dict[Path, int]:
    """Line, from 1, of each header and key: ("question", 2, "option", 0, "text") is the third question's first option's text."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    fence = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if fence:
            fence = "" if fence in line else fence
            continue
        if header := _HEADER.match(line):
            table = _enter(header[2].replace(" ", "").split("."), header[1] == "[[", counts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, key[1].strip('"')), number)
            fence = _opened(key[2])
    return found


def line_of(found: dict[Path, int], path: Path) -> int:
    """Line of `path`, or of the nearest thing around it that has one; 1 when nothing has."""
    for length in range(len(path), 0, -1):
        for near in (path[:length], (*path[:length], 0)):
            if near in found:
                return found[near]
    return 1


def line_starting(text: str, offset: int) -> int:
    """Line, from 1, that holds the character at `offset`."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return bisect_right(starts, offset)


def _enter(names: list[str], many: bool, counts: dict[Path, int]) -> Path:
    """Path of a header: every array of tables on the way stands at its newest element."""
    path: Path = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if place == len(names) - 1 and many:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _opened(value: str) -> str:
    for fence in ('"""', "'''"):
        if value.startswith(fence) and fence not in value[3:]:
            return fence
    return ""
