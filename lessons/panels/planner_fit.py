"""Ways to make a job fit, and the questions asked backwards."""

from __future__ import annotations

import math

import streamlit as st

from engine.planner.answer import Answer, longest
from engine.planner.inverse import cheapest_cards, fit_map, largest_batch, largest_length, largest_models
from engine.planner.link import to_link
from engine.planner.ways import Way, combination, ways
from lessons.panels.planner_verdict import COMPUTED, ICONS, WORDS
from lessons.stage import stage
from lessons.stage.scene import plain_stage
from lessons.text import read
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
        st.success(f"**{names}** makes it fit: {low:.1f} to {high:.1f} GiB of {last.gpu.usable_gib:.1f}, about {factor:.2f} x the time.")
        st.button("Take these changes", key="calculator-take-all", on_click=_take, args=(last,), type="primary")
    elif a.verdict == "fits":
        st.markdown("It fits as it is. What would leave more room:")
    else:
        st.warning("No combination of these changes fits one card of this size; more cards or a larger card do, see below.")
    found = ways(a)[:SHOWN]
    if not found:
        st.info("Nothing here saves memory any more.")
    for number, way in enumerate(found):
        _row(number, way)
    _cards(a)


def _row(number: int, way: Way) -> None:
    words, figures, button = st.columns([5, 5.6, 1], vertical_alignment="center")
    note = f" · {way.note}" if way.note else ""
    words.markdown(f"{ICONS[way.verdict]} **{way.name}**{note}")
    low, high = way.answer.reserve.reserved_interval_gib
    figures.markdown(
        f"{WORDS[way.verdict].split(':')[0]} · saves {way.saved_gib:.1f} GiB · {low:.1f} to {high:.1f} GiB · time\u00a0×\u00a0{way.time_factor:.2f}"
    )
    button.button("Take", key=f"calculator-take-{number}", on_click=_take, args=(way.answer,))


def _take(found: Answer) -> None:
    """Put the changed question into the address; widgets start anew from it."""
    st.query_params.from_dict(to_link(found.options))
    for key in [key for key in st.session_state if str(key).startswith("ask-")]:
        del st.session_state[key]


def _cards(a: Answer) -> None:
    st.subheader("Cards that fit this job, cheapest first", anchor=False)
    found = cheapest_cards(a.options)
    if not found:
        st.info("No listed card, and no node of eight, fits this job as it is.")
        return
    rows = [
        {
            "card": f"{c.options.gpus} x {c.gpu.name}" if c.options.gpus > 1 else c.gpu.name,
            "reserved, GiB": f"{c.reserve.reserved_interval_gib[0]:.1f} to {c.reserve.reserved_interval_gib[1]:.1f}",
            "usable, GiB": f"{c.gpu.usable_gib:.1f}",
            "US dollars an hour": f"{(c.gpu.price_low or 0) * c.options.gpus:.2f} to {(c.gpu.price_high or 0) * c.options.gpus:.2f}",
            "job, US dollars": f"{c.cost_usd[0]:,.2f} to {c.cost_usd[1]:,.2f}" if c.cost_usd else "give examples",
        }
        for c in found
    ]
    markdown_table(rows)
    st.caption(
        f"Prices of {found[0].gpu.price_date}; {found[0].gpu.price_source}. Several cards are sharded with FSDP. Speeds on other cards than A100 are assumed."
    )


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
    left.metric(f"Largest micro-batch at {a.options.seq_len:,} tokens", largest_batch(a.options) or "none", border=True)
    right.metric(f"Longest sequence at micro-batch {a.options.micro_batch}", f"{largest_length(a.options):,}", border=True)
    words, tables, caption = describe_fit_map(info), fit_map_tables(info), read("gallery", "computed")
    stage(plain_stage("what fits", draw_fit_map(info), words, tables, caption=caption, height_px=420), key="calculator-map")
    st.subheader("Largest models for this card with these settings", anchor=False)
    models = largest_models(a.options)
    markdown_table(
        [
            {
                "model": name,
                "parameters": f"{size:,}",
                "reserved, GiB": f"{m.reserve.reserved_interval_gib[0]:.1f} to {m.reserve.reserved_interval_gib[1]:.1f}",
            }
            for name, size, m in models
        ]
    )


def markdown_table(rows: list[dict[str, str]]) -> None:
    """A plain table: readable by everyone, and no data frame library comes in."""
    if not rows:
        st.info("Nothing to list.")
        return
    header = list(rows[0])
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(row[name]).replace("|", "/") for name in header) + " |" for row in rows]
    st.markdown("\n".join(lines))
