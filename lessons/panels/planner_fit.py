"""Ways to make a job fit, and the questions asked backwards."""

from __future__ import annotations

import math

import streamlit as st

from engine.planner.answer import Answer, longest
from engine.planner.inverse import cheapest_cards, fit_map, largest_batch, largest_length, largest_models
from engine.planner.link import to_link
from engine.planner.ways import Way, combination, ways
from lessons.panels.planner_verdict import COMPUTED, ICONS, between
from lessons.stage import stage
from lessons.stage.scene import plain_stage
from lessons.text import read, say
from viz.fit_map import describe_fit_map, draw_fit_map, fit_map_tables, get_fit_map_info

SHOWN = 10


def ways_to_fit(a: Answer) -> None:
    """A combination that fits, if one is needed, and every single change, best first."""
    together = combination(a)
    if together:
        names = " + ".join(way.name for way in together)
        last = together[-1].answer
        low, high = last.reserve.reserved_interval_gib
        factor = math.prod(way.time_factor for way in together)
        numbers = {"low": f"{low:.1f}", "high": f"{high:.1f}", "usable": f"{last.gpu.usable_gib:.1f}", "factor": f"{factor:.2f}"}
        st.success(_say("fit.together", names=names, **numbers))
        st.button(_say("fit.take_all"), key="calculator-take-all", on_click=_take, args=(last,), type="primary")
    elif a.verdict == "fits":
        st.markdown(_say("fit.already"))
    else:
        st.warning(_say("fit.hopeless"))
    found = ways(a)[:SHOWN]
    if not found:
        st.info(_say("fit.no_more"))
    for number, way in enumerate(found):
        _row(number, way)
    _cards(a)


def _say(key: str, **values: object) -> str:
    return say("calculator", key, **values)


def _row(number: int, way: Way) -> None:
    words, figures, button = st.columns([5, 5.6, 1], vertical_alignment="center")
    note = f" · {way.note}" if way.note else ""
    words.markdown(f"{ICONS[way.verdict]} **{way.name}**{note}")
    low, high = way.answer.reserve.reserved_interval_gib
    numbers = {"saved": f"{way.saved_gib:.1f}", "low": f"{low:.1f}", "high": f"{high:.1f}", "factor": f"{way.time_factor:.2f}"}
    figures.markdown(_say("fit.way", verdict=_say(f"verdict.{way.verdict}_short"), **numbers))
    button.button(_say("fit.take"), key=f"calculator-take-{number}", on_click=_take, args=(way.answer,))


def _take(found: Answer) -> None:
    """Put the changed question into the address; widgets start anew from it."""
    st.query_params.from_dict(to_link(found.options))
    for key in [key for key in st.session_state if str(key).startswith("ask-")]:
        del st.session_state[key]


def _cards(a: Answer) -> None:
    st.subheader(_say("fit.cards"), anchor=False)
    found = cheapest_cards(a.options)
    if not found:
        st.info(_say("fit.no_card"))
        return
    markdown_table([_card(answer) for answer in found])
    st.caption(_say("fit.prices", date=found[0].gpu.price_date, source=found[0].gpu.price_source))


def _card(a: Answer) -> dict[str, str]:
    gpu, count = a.gpu, a.options.gpus
    return {
        _say("fit.card"): _say("fit.several", gpus=count, gpu=gpu.name) if count > 1 else gpu.name,
        _say("fit.reserved"): between(a.reserve.reserved_interval_gib, ".1f"),
        _say("fit.usable"): f"{gpu.usable_gib:.1f}",
        _say("fit.hourly"): between(((gpu.price_low or 0) * count, (gpu.price_high or 0) * count), ".2f"),
        _say("fit.job"): between(a.cost_usd, ",.2f") if a.cost_usd else _say("ask.give"),
    }


def batch_and_length(a: Answer) -> None:
    """The map of what fits, and the largest of each."""
    top = longest(a.options, a.arch)
    lengths = tuple(n for n in (128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768) if n <= top)[:8]
    lengths = tuple(sorted({*lengths, a.options.seq_len}))
    batches = tuple(sorted({1, 2, 4, 8, 16, 32, 64, a.options.micro_batch}))
    found = fit_map(a.options, batches, lengths)
    info = get_fit_map_info(
        batches, lengths, found.low_gib.tolist(), found.reserved_gib.tolist(), found.high_gib.tolist(), found.usable_gib,
        (a.options.micro_batch, a.options.seq_len), a.gpu.name, COMPUTED,
    )  # fmt: skip
    left, right = st.columns(2)
    left.metric(_say("map.batch", length=f"{a.options.seq_len:,}"), largest_batch(a.options) or _say("map.none"), border=True)
    right.metric(_say("map.length", batch=a.options.micro_batch), f"{largest_length(a.options):,}", border=True)
    words, tables, caption = describe_fit_map(info), fit_map_tables(info), read("gallery", "computed")
    stage(plain_stage(_say("page.fits"), draw_fit_map(info), words, tables, caption=caption, height_px=420), key="calculator-map")
    st.subheader(_say("map.models"), anchor=False)
    markdown_table(
        [
            {
                _say("map.model"): name,
                _say("map.parameters"): f"{size:,}",
                _say("map.reserved"): between(largest.reserve.reserved_interval_gib, ".1f"),
            }
            for name, size, largest in largest_models(a.options)
        ]
    )


def markdown_table(rows: list[dict[str, str]]) -> None:
    """A plain table: readable by everyone, and no data frame library comes in."""
    if not rows:
        st.info(_say("page.nothing"))
        return
    header = list(rows[0])
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(row[name]).replace("|", "/") for name in header) + " |" for row in rows]
    st.markdown("\n".join(lines))
