"""Plain sentences of the course's Markdown, to count and to measure: no formulas, code, addresses or markup."""

from __future__ import annotations

import re
from pathlib import Path

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
