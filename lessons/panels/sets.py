"""Recorded sets of runs that a lesson shows, mostly as tables: ΔW cut to a rank, learning rates over epochs, mixtures, pairs, LoRA's
relatives, ways against forgetting, lengths of soft prompts.

Nothing where a set is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from engine.catalog.models import MODELS as CATALOGUE
from engine.recorded.scenes import SceneData, find_scene
from engine.recorded.table import Spread
from lessons.panels.measured import whole_percent
from lessons.panels.planner_fit import markdown_table
from lessons.panels.results import spread_text, truth
from lessons.panels.set_words import length_words, rank_words, rehearsal_words, way_name
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import label, prose
from viz.label import TruthLabel
from viz.method_bars import describe_method_bars, draw_method_bars, get_method_bars_info, method_bars_tables
from viz.sweep_surface import describe_sweep_surface, draw_sweep_surface, get_sweep_surface_info, sweep_surface_tables

MODELS = ("smollm2-135m-instruct", "nano-0.5m")
LOOKS = ("score", "loss", "probe")
TWINS = {"steerable": "nano-0.5m-control", "plain": "nano-0.5m"}
"""The model that met control words in pretraining, and the one that did not."""


def recorded_set(name: str) -> SceneData | None:
    """The set of that name for the real model, else for a nano one."""
    return next((found for model in MODELS if (found := find_scene(f"{name}-{model}"))), None)


def recorded_first(make: Callable[[str], Scene | None]) -> Scene | None:
    """The scene of the first model that it is recorded for, the real one before the nano one."""
    return next((scene for model in MODELS if (scene := make(model))), None)


def rank_table() -> None:
    """Full fine-tuning's ΔW cut to rank r and scored again, beside LoRA trained at r."""
    found = recorded_set("ranks")
    if found is None:
        return
    ranks, cut, trained, whole = (found.arrays[name] for name in ("ranks", "cut", "trained", "whole"))
    prose("lora", "cut", whole=f"{100 * whole[0]:.0f}", says=rank_words(found))
    rows = [
        {
            label("ranks.rank"): str(rank),
            label("ranks.energy"): f"{100 * cut[place][2]:.0f}%",
            label("ranks.cut"): f"{100 * cut[place][0]:.0f}%",
            label("ranks.trained"): f"{100 * trained[place - 1][0]:.0f}%" if rank else label("choose.unknown"),
        }
        for place, rank in enumerate(ranks.tolist())
    ]
    markdown_table(rows)
    st.caption(truth_of(found).text + " · " + found.about["specs"][0]["model"])


def rates_panel() -> None:
    """One number over learning rate and epochs; the learner chooses which."""
    found = recorded_set("rates")
    if found is None:
        return
    prose("full-fine-tuning", "sweep", model=found.about["specs"][0]["model"])
    look = st.segmented_control(
        label("rates.look"), LOOKS, default="score", format_func=lambda name: label(f"rates.{name}"), key="rates-look"
    )
    stage(rates_scene(look or "score"), key=f"rates-{look or 'score'}")


@cache
def rates_scene(name: str) -> Scene | None:
    """Recorded data do not change while the app runs, so each surface is drawn once."""
    found = recorded_set("rates")
    if found is None:
        return None
    rates, epochs, values = found.arrays["rates"], found.arrays["epochs"], found.arrays[name]
    rows = [(float(r), float(e), float(values[i, j])) for i, r in enumerate(rates) for j, e in enumerate(epochs)]
    axes = {"x": (label("rates.rate"), "log10"), "y": (label("rates.epochs"), "linear")}
    info = get_sweep_surface_info(rows, **axes, z=label(f"rates.{name}"), title=label(f"rates.{name}"), label=truth_of(found))
    return plain_stage(info.title, draw_sweep_surface(info), describe_sweep_surface(info), sweep_surface_tables(info), height_px=380)


def rates_table() -> None:
    """The same set as numbers: held-out score and probe loss, a row a rate and a column an epoch."""
    found = recorded_set("rates")
    if found is None:
        return
    rates, epochs, scores, probes = (found.arrays[name] for name in ("rates", "epochs", "score", "probe"))
    prose("full-fine-tuning", "mitigate", model=found.about["specs"][0]["model"], probe=f"{probes[0, 0]:.2f}")
    heads = [label("results.epoch_one") if epoch == 1 else label("results.epoch", epoch=f"{epoch:.2g}") for epoch in epochs[1:]]
    rows = [
        {
            label("results.rate"): f"{rate:g}",
            **{
                head: label("results.cell", score=f"{100 * scores[i, j]:.0f}%", probe=f"{probes[i, j]:.2f}")
                for j, head in enumerate(heads, 1)
            },
        }
        for i, rate in reversed(list(enumerate(rates.tolist())))
    ]
    _listed(rows, found)


def rehearsal_table() -> None:
    """What mitigates forgetting, a row a way; the learner chooses model and method."""
    sets = {model: found for model in MODELS if (found := find_scene(f"rehearsal-{model}"))}
    cells = {f"{model} {method}": (found, place) for model, found in sets.items() for place, method in enumerate(found.about["methods"])}
    if not cells:
        return
    prose("full-fine-tuning", "rehearsal")
    first = next(iter(cells))
    chosen = st.segmented_control(label("rehearsal.which"), list(cells), default=first, format_func=_cell_name, key="rehearsal-which")
    found, place = cells[chosen or first]
    st.markdown(rehearsal_words(found, place))
    columns = {"score": whole_percent, "facts": whole_percent, "probe": lambda value: f"{value:.2f}", "kept": whole_percent}
    base = dict(zip(found.about["measures"], found.arrays["before"].tolist(), strict=True))
    rows = [
        {
            label("rehearsal.way"): label("rehearsal.before"),
            **{label(f"rehearsal.{name}"): write(base[name]) for name, write in columns.items()},
        }
    ]
    rows += [
        {
            label("rehearsal.way"): way_name(way),
            **{label(f"rehearsal.{name}"): spread_text(_spread(found.arrays[name][place, i]), write) for name, write in columns.items()},
        }
        for i, way in enumerate(found.about["ways"])
    ]
    _listed(rows, found)


def _cell_name(cell: str) -> str:
    model, method = cell.split()
    return f"{CATALOGUE[model].title} · {label(f'methods.{method}')}"


def lengths_panel() -> None:
    """Prompt and prefix tuning over k: the loss of the plain model, where k matters, as bars, and both twins as a table."""
    sets = {twin: found for twin, model in TWINS.items() if (found := find_scene(f"lengths-{model}"))}
    prose("prompt-and-prefix", "length", says=length_words(sets) if len(sets) == len(TWINS) else "")
    if len(sets) < len(TWINS):
        return
    stage(lengths_scene(), key="prompt-lengths")
    plain = sets["plain"]
    rows = [
        {
            label("lengths.k"): str(k),
            **{
                label("lengths.of", method=label(f"methods.{method}"), twin=label(f"lengths.{twin}")): label(
                    "lengths.cell", score=whole_percent(found.arrays["score"][i, j].mean()), loss=f"{found.arrays['loss'][i, j].mean():.2f}"
                )
                for twin, found in sets.items()
                for i, method in enumerate(found.about["methods"])
            },
        }
        for j, k in enumerate(plain.arrays["lengths"].tolist())
    ]
    _listed(rows, plain)


@cache
def lengths_scene() -> Scene | None:
    """Recorded data do not change while the app runs, so the bars are drawn once."""
    found = find_scene(f"lengths-{TWINS['plain']}")
    if found is None:
        return None
    bars = [
        (label("lengths.bar", method=label(f"lengths.{method}"), k=k), method, found.arrays["loss"][i, j].tolist())
        for i, method in enumerate(found.about["methods"])
        for j, k in enumerate(found.arrays["lengths"].tolist())
    ]
    info = get_method_bars_info(bars, label("lengths.loss"), truth_of(found)._replace(seed=None))
    return plain_stage(label("lengths.title"), draw_method_bars(info), describe_method_bars(info), method_bars_tables(info), height_px=380)


def mixture_table() -> None:
    """The score on kinds of task that never train, a row a number of trained kinds."""
    found = recorded_set("mixture")
    if found is None:
        return
    prose("instruction-tuning", "mixture")
    types, steps, scores, losses = (found.arrays[name] for name in ("types", "steps", "score", "loss"))
    rows = [
        {
            label("results.types"): str(count),
            **{label("results.steps", step=step): f"{100 * scores[i, j]:.0f}%" for j, step in enumerate(steps.tolist()) if step},
            label("results.loss"): label("results.change", before=f"{losses[i, 0]:.2f}", after=f"{losses[i, -1]:.2f}"),
        }
        for i, count in enumerate(types.tolist())
    ]
    _listed(rows, found)


def pairs_table() -> None:
    """What training shows and what the model says, with its own answers rejected and with made-up ones: means over the seeds."""
    found = recorded_set("pairs")
    if found is None:
        return
    score, margin = found.arrays["score"], found.arrays["margin"]
    means = {"own": f"{100 * score[0, :, -1].mean():.0f}%", "made": f"{100 * score[1, :, -1].mean():.0f}%"}
    ends = {"least": f"{100 * score[1, :, -1].min():.0f}%", "most": f"{100 * score[1, :, -1].max():.0f}%"}
    prose("rlhf-and-dpo", "pairs-measured", **means, **ends)
    sides = ("own", "made_up")
    rows = [
        {
            label("results.step"): str(step),
            **{label(f"results.{side}", what=label("results.margin")): f"{margin[i, :, j].mean():.2f}" for i, side in enumerate(sides)},
            **{
                label(f"results.{side}", what=label("results.pairs_score")): f"{100 * score[i, :, j].mean():.0f}%"
                for i, side in enumerate(sides)
            },
        }
        for j, step in enumerate(found.arrays["steps"].tolist())
    ]
    _listed(rows, found)


def variants_table() -> None:
    """LoRA and its relatives: held-out score and probe loss at each rank, means over the seeds."""
    found = recorded_set("variants")
    if found is None:
        return
    prose("lora", "variants-measured")
    columns: tuple[tuple[str, Callable[[float], str]], ...] = (
        ("score", whole_percent),
        ("probe", lambda value: f"{value:.2f}"),
    )
    rows = [
        {
            label("results.variant"): label(f"results.{variant}"),
            **{
                label("results.at_rank", what=label(f"results.{name}"), rank=rank): spread_text(_spread(found.arrays[name][i, j]), write)
                for name, write in columns
                for j, rank in enumerate(found.arrays["ranks"].tolist())
            },
        }
        for i, variant in enumerate(found.about["variants"])
    ]
    _listed(rows, found)
    prose("lora", "variants-read")


def _spread(values: NDArray[np.floating[Any]]) -> Spread:
    return Spread(float(values.mean()), float(values.min()), float(values.max()), len(values))


def _listed(rows: list[dict[str, str]], found: SceneData) -> None:
    """A table with its truth under it."""
    about = found.about
    markdown_table(rows)
    st.caption(truth(about["specs"][0]["model"], [about["day"]], {spec["seed"] for spec in about["specs"]}, [about["machine"]]))


def truth_of(found: SceneData) -> TruthLabel:
    return TruthLabel("recorded", found.about["day"], found.about["specs"][0]["seed"])
