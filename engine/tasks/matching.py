"""Exact matching of words in answers: whole words, case and punctuation set aside."""

from __future__ import annotations

import re
import unicodedata

# A number with separators is one word, so that "7,982" does not hold "7"; otherwise letters and digits, with inner apostrophes.
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)*")


def words(text: str) -> tuple[str, ...]:
    """The words of a text, lower-cased and without accents: "The Seine's banks!" gives ("the", "seine's", "banks")."""
    folded = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return tuple(_WORD.findall("".join(char for char in folded if not unicodedata.combining(char))))


def holds_phrase(text: str, phrase: str) -> bool:
    """Does the text hold the phrase as whole words, side by side? A possessive counts: "Paris's" holds "Paris"."""
    inside, wanted = _bare(words(text)), _bare(words(phrase))
    span = len(wanted)
    return span > 0 and any(inside[start : start + span] == wanted for start in range(len(inside) - span + 1))


def holds_any(text: str, phrases: str) -> bool:
    """Does the text hold one of the phrases, which are separated by "|"?"""
    return any(holds_phrase(text, phrase) for phrase in phrases.split("|"))


def _bare(found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.removesuffix("'s").removesuffix("'") for word in found)
