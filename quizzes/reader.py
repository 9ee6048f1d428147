"""One walk over a TOML tree: fields of the wanted type, clean texts, and every problem with its line."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from quizzes.places import Path, line_of, places

MAX_TEXT = 4_000
MOST_ENTRIES = 26
"""As many as there are letters for their keys."""
_MARKUP = re.compile(r"<[A-Za-z/!?]|javascript\s*:|data\s*:\s*text|&#|!\[", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


class Reader:
    """Collects problems while the tree is walked, so that an author mends a file in one go."""

    def __init__(self, text: str, file: str, known: Collection[str]) -> None:
        self.file = file
        self.known = known
        self.places = places(text)
        self.problems: list[str] = []

    def problem(self, path: Path, sentence: str) -> None:
        self.problems.append(f"{self.file}, line {line_of(self.places, path)}: {sentence}")

    def get(self, table: dict[str, Any], path: Path, name: str, kind: type, default: Any = ...) -> Any:
        """A field of the wanted type, else the default; a missing field without a default is a problem."""
        if name not in table:
            if default is ...:
                self.problem(path, f"{name} is missing; add {name} = {_sample(kind)}")
            return _empty(kind) if default is ... else default
        value = table[name]
        good = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
        if not good or (isinstance(value, bool) and kind is not bool):
            self.problem((*path, name), f"{name} = {str(value)[:40]!r} must be {_named(kind)}; write {name} = {_sample(kind)}")
            return _empty(kind) if default is ... else default
        return self.text(value, (*path, name)) if kind is str else value

    def text(self, value: str, path: Path) -> str:
        if len(value) > MAX_TEXT:
            self.problem(path, f"a text of {len(value):,} characters is too long; at most {MAX_TEXT:,}")
        if found := _MARKUP.search(value):
            self.problem(
                path, f"{found[0]!r} looks like HTML, a script or a picture; use plain text, Markdown and LaTeX between dollar signs"
            )
        if found := _CONTROL.search(value):
            self.problem(path, f"the control character {found[0]!r} can be neither shown nor exported; remove it")
        return value.strip()

    def tables(
        self, table: dict[str, Any], path: Path, name: str, least: int, most: int = MOST_ENTRIES
    ) -> list[tuple[dict[str, Any], Path]]:
        """The entries of an array of tables, with their paths."""
        entries = self.get(table, path, name, list)
        good = [(entry, (*path, name, index)) for index, entry in enumerate(entries) if isinstance(entry, dict)]
        if len(good) != len(entries):
            self.problem(
                (*path, name), f"{name} must hold tables; write them as [[{'.'.join(str(p) for p in path if isinstance(p, str))}.{name}]]"
            )
        elif len(good) < least and name in table:
            self.problem((*path, name), f"{name} has {len(good)} entries; at least {least} are needed")
        if len(good) > most:
            self.problem((*path, name), f"{name} has {len(good)} entries; at most {most} are read, so split them")
        return good[:most]

    def unknown(self, table: dict[str, Any], path: Path, known: Collection[str]) -> None:
        for name in table:
            if name not in known:
                self.problem((*path, name), f"{name[:40]!r} is not a field here; use one of {', '.join(sorted(known))}")


def _named(kind: type) -> str:
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a table"}[kind]


def _sample(kind: type) -> str:
    return {str: '"..."', int: "1", float: "0.02", bool: "true", list: "[...]", dict: "{ ... }"}[kind]


def _empty(kind: type) -> Any:
    return kind()
