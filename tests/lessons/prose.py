"""Plain sentences of the course's Markdown, to count and to measure: no formulas, code, addresses or markup."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lessons.text import FOLDER

VOWELS = re.compile(r"[aeiouy]+")


def files() -> list[Path]:
    """Every Markdown file of the course."""
    return sorted(FOLDER.rglob("*.md"))


def plain(markdown: str) -> str:
    """The words that a reader reads aloud."""
    text = re.sub(r"\$\$.*?\$\$", " ", markdown, flags=re.DOTALL)
    text = re.sub(r"\$[^$\n]+\$|`[^`]*`|\{\{\w+\}\}", " X ", text)
    text = re.sub(r"\[\[[^|\]]+\|([^\]]+)\]\]", r"\1", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^[-\d]+\.? ", "", text, flags=re.MULTILINE)
    return re.sub(r"[*_#>|]", "", text)


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-zÀ-ž][\w’'-]*", text)


def grade(text: str) -> float:
    """Flesch–Kincaid grade (Kincaid et al. 1975): 0.39 words a sentence + 11.8 syllables a word - 15.59."""
    sentences = [part for part in re.split(r"[.!?:;]\s|\n\s*\n|\n", text) if words(part)]
    found = words(text)
    return 0.39 * len(found) / len(sentences) + 11.8 * sum(map(syllables, found)) / len(found) - 15.59


def syllables(word: str) -> int:
    """Groups of vowels, without a silent e; at least one."""
    low = word.lower()
    count = len(VOWELS.findall(low))
    return max(1, count - (low.endswith("e") and not low.endswith("le") and count > 1))


NOT_READ = {"change", "task", "page", "next", "paper"}
"""Keys of tables whose values are no prose: settings, addresses and sources."""


def entries() -> list[tuple[str, str]]:
    """Every box, case, claim, step and term of the course's tables: where it stands, and its sentences. Labels are too short to measure."""
    found = []
    for path in sorted(FOLDER.rglob("*.toml")):
        if path.stem in ("labels", "dials"):
            continue
        for name, value in tomllib.loads(path.read_text("utf-8")).items():
            for place, entry in enumerate(value if isinstance(value, list) else [value]):
                found.append((f"{path.parent.name}-{path.stem}-{name}-{place}", "\n".join(_strings(entry))))
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield plain(value)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in NOT_READ:
                yield from _strings(item)
