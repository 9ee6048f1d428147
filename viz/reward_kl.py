"""Reward against distance from the base: the way of a reinforcement run, and the frontier of all of them.

info = get_reward_kl_info([("β = 0.05", steps, kl, reward, samples), ...], label)
KL-regularised objective: Ouyang et al. 2022, 2203.02155, equation 2. Over-optimisation: Gao et al. 2022, 2210.10760.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, LINES, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say

_SYMBOLS = ("circle", "diamond", "square", "x")


class Moment(NamedTuple):
    """One look at the policy."""

    step: int
    kl: float
    """To the reference, nats an answer."""
    reward: float
    sample: str
    """One answer at that moment."""


class Way(NamedTuple):
    """One run."""

    name: str
    moments: tuple[Moment, ...]


class RewardKlInfo(NamedTuple):
    """Ways, and the frontier of all moments: no other has more reward at no more KL."""

    ways: tuple[Way, ...]
    frontier: tuple[tuple[float, float], ...]
    label: TruthLabel


def get_reward_kl_info(
    ways: Iterable[tuple[str, Sequence[int], Sequence[float], Sequence[float], Sequence[str]]], label: TruthLabel
) -> RewardKlInfo:
    """From (name, steps, KL, reward, samples); samples may be empty. Raises ValueError where lists differ in length."""
    found = []
    for name, steps, kl, reward, samples in ways:
        texts = list(samples) or [""] * len(steps)
        if not len(steps) == len(kl) == len(reward) == len(texts):
            raise ValueError(
                f"{name}: {len(steps)} steps, {len(kl)} KL, {len(reward)} rewards, {len(texts)} samples; each step has one of each"
            )
        found.append(Way(name, tuple(Moment(int(s), float(k), float(r), t) for s, k, r, t in zip(steps, kl, reward, texts, strict=True))))
    best: list[tuple[float, float]] = []
    for kl_, reward_ in sorted((m.kl, -m.reward) for way in found for m in way.moments):
        if not best or -reward_ > best[-1][1]:
            best.append((kl_, -reward_))
    return RewardKlInfo(tuple(found), tuple(best), label)


def draw_reward_kl(info: RewardKlInfo) -> go.Figure:
    """One line a run, from the base at KL 0; the frontier is the thin stair above all."""
    figure = go.Figure()
    if info.frontier:
        figure.add_scatter(
            x=[k for k, _ in info.frontier], y=[r for _, r in info.frontier], mode="lines", name=say("reward_kl.frontier"), meta="frontier",
            line={"color": LIGHT.text, "width": 1, "shape": "hv"}, hoverinfo="skip",
        )  # fmt: skip
    hover = say("reward_kl.hover", step="%{customdata[0]}", kl="%{x:.2f}", reward="%{y:.2f}")
    for place, way in enumerate(info.ways):
        (colour, dash), symbol = LINES[place % len(LINES)], _SYMBOLS[place % len(_SYMBOLS)]
        figure.add_scatter(
            x=[m.kl for m in way.moments], y=[m.reward for m in way.moments], mode="lines+markers", name=way.name, meta=f"way-{place}",
            line={"color": colour, "dash": dash, "width": 2.5}, marker={"symbol": symbol, "size": 8},
            customdata=[[m.step, m.sample[:120]] for m in way.moments],
            hovertemplate=f"{hover}<br>%{{customdata[1]}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(template=template(), **titled(say("reward_kl.title"), info.label))
    figure.update_xaxes(title=say("reward_kl.x"), rangemode="tozero")
    figure.update_yaxes(title=say("reward_kl.y"))
    return figure


def describe_reward_kl(info: RewardKlInfo) -> str:
    """The chart in words."""
    if not info.frontier:
        return say("reward_kl.empty")
    return say("reward_kl.says", parts="; ".join(_part(way) for way in info.ways if way.moments))


def reward_kl_tables(info: RewardKlInfo) -> tuple[Table, ...]:
    """One table a run."""
    return tuple(Table(way.name, heads("reward_kl.columns"), tuple(tuple(m) for m in way.moments)) for way in info.ways)


def _part(way: Way) -> str:
    first, last = way.moments[0], way.moments[-1]
    return say("reward_kl.part", name=way.name, start=f"{first.reward:.2f}", end=f"{last.reward:.2f}", kl=f"{last.kl:.2f}")
