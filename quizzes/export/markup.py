"""The little Markdown of questions (code, bold, italics, links, LaTeX between dollar signs) as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from latex2mathml.converter import convert

_PIECE = re.compile(
    r"(?P<dollar>\\\$)"
    r"|`(?P<code>[^`\n]+)`"
    r"|\$(?P<math>[^$\n]+?)\$"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<link>(?:https?://|/)[^)\s]+)\)"
    r"|\*(?P<italic>[^*\n]+)\*"
)


def html(text: str, math: Callable[[str], str]) -> str:
    """`text` as HTML; whatever is not markup is escaped, and each formula goes through `math`."""
    parts, end = [], 0
    for found in _PIECE.finditer(text):
        parts += [escape(text[end : found.start()]), _piece(found, math)]
        end = found.end()
    return re.sub(r"\n{2,}", "<br><br>", "".join([*parts, escape(text[end:])])).replace("\n", "<br>")


def _piece(found: re.Match[str], math: Callable[[str], str]) -> str:
    match found.lastgroup:
        case "dollar":
            return "$"
        case "code":
            return f"<code>{escape(found['code'])}</code>"
        case "math":
            return math(found["math"])
        case "bold":
            return f"<b>{html(found['bold'], math)}</b>"
        case "italic":
            return f"<i>{escape(found['italic'])}</i>"
    return f'<a href="{escape(found["link"])}">{escape(found["label"])}</a>'


def mathjax(formula: str) -> str:
    r"""For programs that run MathJax (Anki, Moodle): `\( ... \)`."""
    return rf"\({escape(formula)}\)"


def mathml(formula: str) -> str:
    """For paper and plain browsers. A formula that cannot be converted is shown as written."""
    try:
        made: str = convert(formula)
    except Exception:  # the converter raises its own and built-in errors alike for LaTeX that it does not know
        return f"<code>{escape(formula)}</code>"
    return made
