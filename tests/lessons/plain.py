"""The plain English that a page shows: in its words, in the names of what can be used, and in its pictures as the browser gets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.planner.catalogue import model_ids

ENGLISH = re.compile(r"\b[a-z]{2,}(?: [a-z]{2,}){2,}\b")
"""Three plain words in a row."""
PLAIN = re.compile(r"\b[A-Z]?[a-z]{2,}\b")
VOWEL = re.compile("[aeiouy]")
HEADINGS = ("title", "header", "subheader")
SENTENCES = ("markdown", "caption", "info", "success", "warning", "error")
CHOICES = ("radio", "button_group")
NOT_READ = {
    "type", "mode", "meta", "legendgroup", "family", "symbol", "shape", "dash", "fill", "hoverinfo", "hoveron", "orientation", "textposition",
    "anchor", "side", "align", "xanchor", "yanchor", "xref", "yref", "barmode", "hovermode", "dragmode", "aspectmode",
    "tickmode", "rangemode", "autorange", "exponentformat", "traceorder", "fillmode", "ticks", "dtype", "bdata", "scaleanchor", "kind", "key", "recolour",
    "plotly", "scales", "left", "right", "b", "a", "uid", "file",
}  # fmt: skip
"""Fields of a picture that hold settings, colours and numbers."""
PATH = re.compile(r"\b\w+(?:\.\w+){2,}|%\{[^}]*\}|\{\{\w+\}\}")
"""A module of a model, such as model.layers.2.mlp, and what plotly and the stage fill in themselves."""
NAMES = re.compile(
    r"(?<![\w-])(?:" + "|".join(
        re.escape(name) for name in sorted({*MODELS, *TASKS, *model_ids(), *(name.split("/")[-1] for name in model_ids())}, key=len, reverse=True)
    ) + r")(?![\w-])"
)  # fmt: skip


def without_names(shown: str, known: Sequence[str] = ()) -> str:
    """What a page shows, without names, the catalogue's notes, what models said, markup and what is `known`."""
    notes = {card.note for card in (*MODELS.values(), *TASKS.values())}
    for note in (*known, *sorted(notes, key=len, reverse=True)):
        shown = shown.replace(note, "|")
    for named in (*TASKS.values(), *MODELS.values()):
        shown = shown.replace(named.title, "")
    shown = NAMES.sub(" | ", PATH.sub(" | ", shown))
    shown = re.sub(r'<style>.*?</style>|<th scope="row">.*?</th>|<td[^>]*>.*?(?=<span|</td>)', " | ", shown, flags=re.DOTALL)
    return re.sub(r"<[^>]*>|\]\([^)]*\)|\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`", " | ", shown, flags=re.DOTALL)


def elements(block: Block) -> Iterator:
    """Everything on a page, what is folded away included."""
    for node in block.children.values():
        yield node
        if isinstance(node, Block):
            yield from elements(node)


def drawn(value: Any) -> Iterator[str]:
    """Every text of a picture, as the stage gets it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in NOT_READ:
                yield from drawn(item)
    elif isinstance(value, list):
        for item in value:
            yield from drawn(item)
    elif isinstance(value, str) and not value.startswith(("#", "rgba(")):
        yield value


def pictures(node) -> list[str]:
    """The texts of the picture that an element is."""
    if node.type != "bidi_component" or "deltalab_stage" not in node.proto.component_name:
        return []
    return list(drawn(json.loads(node.proto.json)))


def long_texts(node) -> list[str]:
    """What an element says in sentences."""
    told = [node.value] if node.type in SENTENCES else [node.proto.body] if node.type == "html" else []
    told += [node.proto.text] if node.type == "progress" else []
    return told + [text for name in ("help", "placeholder") if isinstance(text := getattr(node.proto, name, ""), str)]


def short_texts(node) -> list[str]:
    """What an element is called: a heading, the name of something to use, what there is to choose, or a column."""
    told = [node.value] if node.type in HEADINGS else []
    told += [str(name) for name in node.value.columns] if node.type == "dataframe" else []
    told += [str(option) for option in node.options] if node.type in CHOICES else []
    if node.type == "markdown" and node.value.startswith("| "):
        told.append(node.value.split("\n")[0])
    return [*told, *pictures(node), str(getattr(node, "label", "")), str(getattr(getattr(node.proto, "popover", None), "label", ""))]


def english(test: AppTest, known: Sequence[str] = ()) -> dict[str, str]:
    """Plain English -> what it stands in, over all that a page shows."""
    assert not test.exception
    found = {}
    for node in elements(test.main):
        short, long = short_texts(node), long_texts(node)
        found |= {words: text[:80] for text in (*short, *long) for words in ENGLISH.findall(without_names(text, known))}
        found |= {word: text[:80] for text in short for word in PLAIN.findall(without_names(text, known)) if VOWEL.search(word)}
    return found
