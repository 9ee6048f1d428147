"""A chart's numbers as a table: what a screen reader reads and what the CSV holds."""

from __future__ import annotations

from typing import NamedTuple

Cell = str | int | float | None


class Table(NamedTuple):
    """Rows under a header; every row is as long as the header."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
