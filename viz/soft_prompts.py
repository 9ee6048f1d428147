"""Learned prompt vectors among the real token embeddings, and their way during training.

info = get_soft_prompts_info(embeddings, tokens, snapshots, steps, label, nearest=nearest)
Axes are the first three principal components of the tokens shown and the last snapshot together.
Prompt tuning: Lester et al. 2021, 2104.08691.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.pca import components
from viz.space import Axis, bare, room, space
from viz.table import Table
from viz.words import heads, say

NAMED = 24
"""Up to so many learned vectors bear the word nearest to them; more would cover each other."""


class SoftPromptsInfo(NamedTuple):
    """Places in the space of the first three components."""

    tokens: tuple[str, ...]
    places: NDArray[np.float64]
    """(n, 3): the tokens."""
    ways: NDArray[np.float64]
    """(t, k, 3): each learned vector at each snapshot."""
    steps: tuple[int, ...]
    nearest: tuple[tuple[str, ...], ...]
    """For each learned vector at its end, the nearest tokens; measured in all dimensions by whoever recorded them, or here among those shown."""
    norms: tuple[float, float]
    """Mean length of the tokens shown, and of the learned vectors at the end, all dimensions."""
    explained: tuple[float, ...]
    label: TruthLabel


def get_soft_prompts_info(
    embeddings: ArrayLike,
    tokens: Sequence[str],
    snapshots: ArrayLike,
    steps: Sequence[int],
    label: TruthLabel,
    nearest: Sequence[Sequence[str]] | None = None,
) -> SoftPromptsInfo:
    """From token embeddings (n, d) with their texts and snapshots (t, k, d) of the learned vectors.

    Raises:
        ValueError: Texts or steps are not as many as their vectors, or the dimensions differ.
    """
    words, learned = np.asarray(embeddings, dtype=np.float64), np.asarray(snapshots, dtype=np.float64)
    if len(words) != len(tokens) or len(learned) != len(steps) or learned.ndim != 3 or words.shape[1:] != learned.shape[2:]:
        raise ValueError(f"embeddings {words.shape} for {len(tokens)} tokens, snapshots {learned.shape} for {len(steps)} steps do not fit")
    frame = components(np.vstack([words, learned[-1]]))
    if nearest is None:
        cosine = _unit(learned[-1]) @ _unit(words).T
        nearest = [[tokens[i] for i in np.argsort(-row)[:3]] for row in cosine]
    lengths = (float(np.linalg.norm(words, axis=1).mean()), float(np.linalg.norm(learned[-1], axis=1).mean()))
    texts = tuple(tuple(row) for row in nearest)
    return SoftPromptsInfo(
        tuple(tokens), frame.place(words), frame.place(learned), tuple(map(int, steps)), texts, lengths, frame.explained, label
    )


def draw_soft_prompts(info: SoftPromptsInfo) -> go.Figure:
    """Tokens as small grey dots, learned vectors as large ones at the end of their paths; a frame a snapshot."""
    figure = go.Figure()
    x, y, z = info.places.T
    figure.add_scatter3d(
        x=x, y=y, z=z, mode="markers", name=say("soft_prompts.tokens"), meta="tokens", text=info.tokens,
        marker={"color": LIGHT.base, "size": 2.5}, opacity=0.6, hovertemplate=f"%{{text}}<extra>{say('soft_prompts.token')}</extra>",
    )  # fmt: skip
    line = {"color": LIGHT.trainable, "width": 3}
    figure.add_scatter3d(mode="lines", name=say("soft_prompts.way"), meta="way", line=line, hoverinfo="skip")
    figure.add_scatter3d(
        mode="markers+text" if len(info.nearest) <= NAMED else "markers", name=say("soft_prompts.learned"), meta="learned",
        marker={"color": LIGHT.trainable, "size": 6, "symbol": "diamond"}, text=[words[0] if words else "" for words in info.nearest],
        textposition="top center", textfont={"color": LIGHT.text, "size": 11},
        hovertext=[say("soft_prompts.hover", number=k + 1, words=", ".join(words)) for k, words in enumerate(info.nearest)],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    figure.frames = [_frame(info, n) for n in range(len(info.steps))]
    for trace, last in zip(figure.data[1:], figure.frames[-1].data, strict=True):
        trace.update(x=last.x, y=last.y, z=last.z)
    every = np.vstack([info.places, info.ways.reshape(-1, 3)])
    names = [say("soft_prompts.axis", number=n + 1, share=f"{share:.0%}") for n, share in enumerate(info.explained)]
    axes = [Axis(name, *room(every[:, n]), ()) for n, name in enumerate(names)]
    title = titled(say("soft_prompts.title", share=f"{sum(info.explained):.0%}"), info.label)
    figure.update_layout(template=template(), **title, scene=space(*axes, aspect=(1.1, 1.0, 0.8)))
    return bare(figure)


def describe_soft_prompts(info: SoftPromptsInfo) -> str:
    """The picture in words."""
    moved = np.linalg.norm(info.ways[-1] - info.ways[0], axis=1).mean()
    ends = "; ".join(say("soft_prompts.end", number=k + 1, words=", ".join(words)) for k, words in enumerate(info.nearest[:4]))
    counts = {"count": info.ways.shape[1], "tokens": len(info.tokens), "share": f"{sum(info.explained):.0%}"}
    way = {"start": info.steps[0], "last": info.steps[-1], "moved": f"{moved:.2g}"}
    lengths = {"token_length": f"{info.norms[0]:.2g}", "length": f"{info.norms[1]:.2g}"}
    return say("soft_prompts.says", ends=ends, **counts, **way, **lengths)


def soft_prompts_tables(info: SoftPromptsInfo) -> tuple[Table, ...]:
    """One row a learned vector."""
    moved = np.linalg.norm(info.ways[-1] - info.ways[0], axis=1)
    rows = tuple((k + 1, ", ".join(words), float(moved[k])) for k, words in enumerate(info.nearest))
    shares = tuple((n + 1, 100 * share) for n, share in enumerate(info.explained))
    return (
        Table(say("soft_prompts.table"), heads("soft_prompts.columns"), rows),
        Table(say("soft_prompts.shares"), heads("soft_prompts.shares_columns"), shares),
    )


def _frame(info: SoftPromptsInfo, n: int) -> go.Frame:
    """Ways so far, each ended by a gap, and where the vectors are."""
    gap = np.full((info.ways.shape[1], 1, 3), np.nan)
    so_far = np.concatenate([info.ways[: n + 1].transpose(1, 0, 2), gap], axis=1).reshape(-1, 3).T
    now = info.ways[n].T
    data = [go.Scatter3d(**dict(zip("xyz", rows, strict=True))) for rows in (so_far, now)]
    return go.Frame(name=say("shared.step", step=info.steps[n]), data=data, traces=[1, 2])


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))
