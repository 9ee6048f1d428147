"""The words of the charts, from words.toml beside this file, so that they can be translated without code.

`{{name}}` in a text is filled in from the caller, who has written the number as it is to be read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

VALUE = re.compile(r"\{\{(\w+)\}\}")


@cache
def table() -> dict[str, Any]:
    """All of words.toml, a table a chart; read once a process."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def say(key: str, /, **values: object) -> str:
    """A text by its dotted name, such as "loss_curve.title". Raises KeyError for an unknown name or a value that is not given."""
    return filled(find(table(), key), values)


def heads(key: str, /) -> tuple[str, ...]:
    """The columns of a table, by the dotted name of their list."""
    return tuple(find(table(), key))


def named(kind: str, name: str) -> str:
    """What words.toml calls one of the engine's names, such as a term of memory; one that it does not know stays as it is."""
    known: str = table()[kind].get(name, name.replace("_", " "))
    return known


def find(texts: Mapping[str, Any], key: str) -> Any:
    """What stands under a dotted name. Raises KeyError for an unknown one."""
    found: Any = texts
    for part in key.split("."):
        found = found[part]
    return found


def filled(text: str, values: Mapping[str, object]) -> str:
    """The text with its values filled in as they are. Raises KeyError for one that is not given."""
    return VALUE.sub(lambda match: str(values[match[1]]), text)
