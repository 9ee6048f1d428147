"""The truth label that every figure carries: what kind of numbers these are, and when they were made."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, NamedTuple

from viz.words import heads, say

Kind = Literal["live", "recorded", "illustration"]
KINDS: tuple[Kind, ...] = ("live", "recorded", "illustration")


class TruthLabel(NamedTuple):
    """Where a figure's numbers come from."""

    kind: Kind
    """"live": the learner's own run; "recorded": made by this engine, committed; "illustration": made up to explain."""
    day: str = ""
    """ISO date of the run, such as "2026-11-22"; empty where there is none."""
    seed: int | None = None

    @property
    def kind_text(self) -> str:
        """The kind in words."""
        return say(f"label.{self.kind}")

    @property
    def text(self) -> str:
        """One line for the picture, such as "live · 22 Nov 2026 · seed 0"."""
        parts = [self.kind_text]
        if self.day:
            parts.append(day_text(date.fromisoformat(self.day[:10])))
        if self.seed is not None:
            parts.append(say("label.seed", seed=self.seed))
        return " · ".join(parts)


def truth_label(kind: str, day: str = "", seed: int | None = None) -> TruthLabel:
    """Build a label from plain values. Raises ValueError for another kind or a day that is no ISO date."""
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not one of {', '.join(KINDS)}")
    label = TruthLabel(kind, day, seed)
    _ = label.text
    return label


def day_text(day: date) -> str:
    """A day in words, such as "22 Nov 2026"."""
    return say("label.day", day=day.day, month=heads("label.months")[day.month - 1], year=day.year)


def moment_text(at: datetime) -> str:
    """A day and its time, such as "22 Nov 2026, 14:05"."""
    return f"{day_text(at)}, {at:%H:%M}"


def titled(title: str, label: TruthLabel) -> dict[str, object]:
    """The layout fields that show a title with its label under it, and keep the label for readers of the figure's data."""
    return {"title": {"text": f"{title}<br><sub>{label.text}</sub>"}, "meta": {"kind": label.kind, "day": label.day, "seed": label.seed}}


def short_name(matrix: str) -> str:
    """A module's path as a title: "model.layers.15.self_attn.q_proj" -> "layer 15 · q_proj"; other names stay as they are."""
    found = re.search(r"layers\.(\d+)\.(?:.*\.)?([^.]+)$", matrix)
    return say("label.layer", layer=found[1], matrix=found[2]) if found else matrix
