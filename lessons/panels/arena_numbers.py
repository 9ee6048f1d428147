"""The contenders' numbers side by side: a table, bars of one number at a time, losses over each other, and the questions on which they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

import streamlit as st

from engine.doctor import Story
from engine.recorded.table import of_cell
from lessons.panels.answers import said
from lessons.panels.arena_field import Contender, settings
from lessons.panels.arena_match import Round
from lessons.panels.arena_play import marks
from lessons.panels.measured import percent, whole_percent
from lessons.panels.planner_fit import markdown_table
from lessons.panels.results import score
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import label, say
from viz import loss_lines, method_bars
from viz.label import TruthLabel

GIB = 2**30
Result = Mapping[str, Any]
Bar = tuple[str, str, tuple[float, ...]]
"""Name, method, and the value where there is one."""
Line = tuple[str, tuple[int, ...], tuple[float, ...]]
"""Name, steps, losses."""


def _say(key: str, **values: object) -> str:
    return say("arena", key, **values)


# The table


def numbers_table(chosen: Sequence[Contender], names: Mapping[str, str]) -> None:
    """A column a contender; a row that nobody has a value for is left out."""
    rows = []
    for key, cell in ROWS.items():
        cells = {names[contender.key]: cell(contender) for contender in chosen}
        if set(cells.values()) != {label("choose.unknown")}:
            rows.append({"": _say(f"numbers.{key}"), **cells})
    markdown_table(rows)
    st.caption(_say("numbers.note"))


def _change(name: str, write: Callable[[float], str]) -> Callable[[Contender], str]:
    """Before and after of a number that a run measured twice."""

    def cell(contender: Contender) -> str:
        before, after = (contender.result.get(f"{name}_{when}") for when in ("before", "after"))
        if before is None or after is None:
            return label("choose.unknown")
        return _say("numbers.change", before=write(before), after=write(after))

    return cell


def _nats(value: float) -> str:
    return f"{value:.2f}"


def _seeds(contender: Contender) -> str:
    spec = contender.spec
    return label("choose.unknown") if contender.own else score(of_cell(spec.model, spec.task, spec.method, spec.objective))


def _trained(contender: Contender) -> str:
    trained, total = contender.result["trainable_params"], contender.result["total_params"]
    return _say("numbers.trained_share", trained=f"{trained:,}", share=percent(trained / total))


def stored_bytes(result: Result) -> int:
    """What a run leaves to store; of a full fine-tuning that left nothing, what its weights would take."""
    return int(result["artifact_bytes"] or result["total_params"] * (2 if result["dtype"] == "bf16" else 4))


def _stored(contender: Contender) -> str:
    megabytes = stored_bytes(contender.result) / 1e6
    size = label("choose.megabytes", value=f"{megabytes:,.3g}")
    return size if contender.result["artifact_bytes"] else _say("numbers.not_kept", size=size)


ROWS: dict[str, Callable[[Contender], str]] = {
    "made": lambda contender: f"{contender.truth.kind_text} · {contender.when}",
    "seed": lambda contender: str(contender.spec.seed),
    "dials": lambda contender: settings(contender.spec),
    "score": _change("score", whole_percent),
    "seeds": _seeds,
    "facts": _change("fact_score", whole_percent),
    "loss": _change("loss", _nats),
    "probe": _change("forgetting", _nats),
    "trained": _trained,
    "stored": _stored,
    "seconds": lambda contender: f"{contender.result['seconds']:.0f}",
    "memory": lambda contender: f"{contender.result['peak_memory_bytes'] / GIB:.2f}",
    "device": lambda contender: _say("numbers.device_cell", device=contender.result["device"], dtype=contender.result["dtype"]),
}


# Pictures

BARS: dict[str, tuple[Callable[[Result], float | None], bool]] = {
    "score": (lambda result: _times(100, result.get("score_after")), False),
    "facts": (lambda result: _times(100, result.get("fact_score_after")), False),
    "probe": (lambda result: _rise(result.get("forgetting_before"), result.get("forgetting_after")), False),
    "trained": (lambda result: result["trainable_params"], True),
    "stored": (lambda result: stored_bytes(result) / 1e6, True),
    "seconds": (lambda result: result["seconds"], False),
    "memory": (lambda result: result["peak_memory_bytes"] / GIB, False),
}
"""Number -> its value in the unit of its name, and whether its axis is logarithmic."""


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


def _rise(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def truth_of(chosen: Sequence[Contender]) -> TruthLabel:
    """The label of a picture with all of them; own and recorded ones together count as live, and their names say which is which."""
    live = [contender for contender in chosen if contender.own]
    seeds = {contender.spec.seed for contender in chosen}
    day = max(contender.truth.day for contender in live or chosen)
    return TruthLabel("live" if live else "recorded", day, seeds.pop() if len(seeds) == 1 else None)


def bars(chosen: Sequence[Contender], names: Mapping[str, str]) -> None:
    """One number of all contenders, as the learner chooses."""
    known = [which for which, (value, _) in BARS.items() if any(value(contender.result) is not None for contender in chosen)]
    which = st.selectbox(_say("bars.which"), known, format_func=lambda which: _say(f"bars.{which}"), key="arena-bars")
    stage(bars_scene(which, _bars(which, chosen, names), truth_of(chosen)), key="arena-bars-picture")


def _bars(which: str, chosen: Sequence[Contender], names: Mapping[str, str]) -> tuple[Bar, ...]:
    found = ((contender, BARS[which][0](contender.result)) for contender in chosen)
    return tuple((names[contender.key], contender.spec.method, () if value is None else (value,)) for contender, value in found)


@lru_cache(maxsize=64)
def bars_scene(which: str, values: tuple[Bar, ...], truth: TruthLabel) -> Scene:
    """Finished runs do not change, so each picture of them is drawn once."""
    info = method_bars.get_method_bars_info(values, _say(f"bars.{which}"), truth, log=BARS[which][1])
    words, tables = method_bars.describe_method_bars(info), method_bars.method_bars_tables(info)
    return plain_stage(_say("bars.title", number=info.unit), method_bars.draw_method_bars(info), words, tables, height_px=360)


def curves(chosen: Sequence[Contender], told: Mapping[str, Story], names: Mapping[str, str]) -> None:
    """Training losses over each other, where they measure the same."""
    if len({contender.spec.objective for contender in chosen}) > 1:
        st.info(_say("curves.unlike"))
        return
    stage(curves_scene(_lines(chosen, told, names), truth_of(chosen)), key="arena-curves-picture")


def _lines(chosen: Sequence[Contender], told: Mapping[str, Story], names: Mapping[str, str]) -> tuple[Line, ...]:
    steps = {contender.key: told[contender.key].steps for contender in chosen}
    return tuple((names[key], tuple(step.step for step in its), tuple(step.loss for step in its)) for key, its in steps.items())


@lru_cache(maxsize=16)
def curves_scene(lines: tuple[Line, ...], truth: TruthLabel) -> Scene:
    """As with the bars."""
    info = loss_lines.get_loss_lines_info(lines, truth)
    words, tables = loss_lines.describe_loss_lines(info), (loss_lines.loss_lines_table(info),)
    return plain_stage(_say("curves.title"), loss_lines.draw_loss_lines(info), words, tables, height_px=360)


def first_pictures(chosen: Sequence[Contender], told: Mapping[str, Story], names: Mapping[str, str]) -> None:
    """Make the pictures that the page opens with, before anyone asks."""
    bars_scene("score", _bars("score", chosen, names), truth_of(chosen))
    curves_scene(_lines(chosen, told, names), truth_of(chosen))


# Where they differ


def differ(contest: Sequence[Round], names: Mapping[str, str]) -> None:
    """Questions with different verdicts first, then those with different words; folded away, since it tells who said what."""
    apart = [one for one in contest if one.apart]
    worded = [one for one in contest if one.differs and not one.apart]
    st.markdown(_say("differ.counts", apart=len(apart), rounds=len(contest), worded=len(worded)))
    if apart or worded:
        with st.expander(_say("differ.open")):
            st.html(_table([*apart, *worded], names))


def _table(shown: Sequence[Round], names: Mapping[str, str]) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in (_say("differ.asked"), *names.values()))
    rows = "".join(
        f'<tr><th scope="row">{escape(one.prompt)}</th>{"".join(_cell(key, name, one) for key, name in names.items())}</tr>'
        for one in shown
    )
    caption = f"<caption>{_say('differ.caption')}</caption>"
    return f'<table class="dl-answers">{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _cell(key: str, name: str, one: Round) -> str:
    its = next(each for each in one.said if key in each.by)
    return f'<td data-label="{escape(name)}">{said(its.text)} {marks(its.good, its.fact)}</td>'
