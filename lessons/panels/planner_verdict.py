"""The calculator's answer in three seconds: fits or not, how long, how much, and how sure."""

from __future__ import annotations

import html

import streamlit as st

from engine.planner.answer import Answer, real_rate
from engine.planner.clock import constants
from engine.planner.explain import explain
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import read, table, words
from viz.label import TruthLabel
from viz.memory_stack import describe_memory_stack, draw_memory_stack, get_memory_stack_info, memory_stack_tables

WORDS = {"fits": "It fits", "tight": "Tight: it may or may not fit", "exceeds": "It does not fit"}
ICONS = {"fits": "✓", "tight": "≈", "exceeds": "✕"}
COMPUTED = TruthLabel("illustration")


def verdict(a: Answer) -> None:
    """One line that decides, four figures, and the stack of terms."""
    low, high = a.reserve.reserved_interval_gib
    count = f"{a.options.gpus} x " if a.options.gpus > 1 else ""
    each = " on each" if a.options.gpus > 1 else ""
    st.html(
        f'<div class="dl-verdict dl-verdict-{a.verdict}" role="status"><strong>{ICONS[a.verdict]} {WORDS[a.verdict]}</strong> '
        f"<span>on {count}{html.escape(a.gpu.name)}: {low:.1f} to {high:.1f} GiB{each}, {a.gpu.usable_gib:.1f} usable</span></div>" + STYLE
    )
    figures = st.columns(4)
    figures[0].metric("Memory", f"{a.reserve.reserved_gib:.1f} GiB", help=_memory_help(a), border=True)
    figures[1].metric("Speed, tokens/s", _band(a.tokens_per_second, "{:,.0f}"), help=_speed_help(a), border=True)
    figures[2].metric(
        "Hours", _band(a.hours, "{:.3g}") if a.options.tokens else table("calculator")["ask"]["give"], help=_hours_help(a), border=True
    )
    figures[3].metric(
        "US dollars",
        _band(a.cost_usd, "{:,.2f}") if a.options.tokens else table("calculator")["ask"]["give"],
        help=_price_help(a),
        border=True,
    )
    _padding(a)
    stage(stack_scene(a), key="calculator-stack")


def _padding(a: Answer) -> None:
    """What of the speed is text, where examples are shorter than rows."""
    share, rate = a.options.real_share, real_rate(a)
    if share is None or rate is None or share == 1.0:
        return
    say = table("calculator")["ask"]
    row = {"row": f"{a.options.seq_len:,}", "text": f"{share * a.options.seq_len:,.0f}"}
    packs = a.options.objective == "sft" and not a.options.dynamic_padding
    words(say["real"] + (say["pack"] if packs else ""), **row, rate=_band(rate, "{:,.0f}"), packed=_band(a.tokens_per_second, "{:,.0f}"))


def stack_scene(a: Answer) -> Scene:
    """The stack of terms with its words and its table."""
    words = explain(a)
    info = get_memory_stack_info(
        f"{a.options.method} · {a.options.model or 'pasted config'}",
        {e.name: e.gib for e in words},
        a.reserve.reserved_interval_gib,
        a.gpu.usable_gib,
        a.gpu.name,
        COMPUTED,
        {e.name: e.formula for e in words},
        a.reserve.reserved_gib,
    )
    tables, caption = memory_stack_tables(info), read("gallery", "computed")
    return plain_stage("memory", draw_memory_stack(info), describe_memory_stack(info), tables, caption=caption, height_px=300)


def _band(values: tuple[float, float] | None, form: str) -> str:
    if not values:
        return "not known"
    low, high = (form.format(value) if abs(value) < 1e4 else f"{value:,.0f}" for value in values)
    return f"{low} – {high}"


def _memory_help(a: Answer) -> str:
    low, high = a.reserve.allocated_interval_gib
    errors = (
        "the widest errors measured for any method, since nothing is published for this one"
        if a.assumed
        else "the errors measured for this method"
    )
    return (
        f"Allocated {a.reserve.allocated_gib:.2f} GiB (90%: {low:.2f} to {high:.2f}), reserved {a.reserve.reserved_gib:.2f} GiB; "
        f"nvidia-smi shows about {a.reserve.nvidia_smi_gib:.1f} GiB. The intervals are {errors}: see How wrong."
    )


def _speed_help(a: Answer) -> str:
    card = (
        "Both factors were set on A100 80 GB with full, LoRA and QLoRA; for this question they are an assumption, and the band is wider."
        if a.speed_assumed
        else "Both factors were set on A100 80 GB."
    )
    operations, written = constants()["pace"]["factors"]
    work = (
        f"Operations take {operations:.2f} times what the card's rate says, and each written byte {written:.1f} times what its bandwidth says "
        "(it is read again about twice)."
    )
    return f"{work} {card} Small models and small batches wait for the processor that starts the kernels, as measured beside one H100."


def _hours_help(a: Answer) -> str:
    return f"{a.options.tokens or 0:,.0f} tokens x {a.options.epochs:g} epochs / speed"


def _price_help(a: Answer) -> str:
    if a.options.price is not None:
        return "your price"
    if a.gpu.price_low is None:
        return "no price is listed for this card; give one under More"
    return f"{a.gpu.price_low:g} to {a.gpu.price_high:g} US dollars per GPU and hour, {a.gpu.price_date}; {a.gpu.price_source}"


STYLE = """<style>
.dl-verdict { border-left: 6px solid; border-radius: 6px; padding: 0.8rem 1rem; margin-bottom: 0.25rem; background: light-dark(#f4f6f9, #182033); }
.dl-verdict strong { font-size: 1.5rem; margin-right: 0.5rem; }
.dl-verdict span { font-size: 1.05rem; }
.dl-verdict-fits { border-color: light-dark(#115e59, #5eead4); } .dl-verdict-fits strong { color: light-dark(#115e59, #5eead4); }
.dl-verdict-tight { border-color: light-dark(#c2570c, #f59e4b); } .dl-verdict-tight strong { color: light-dark(#c2570c, #f59e4b); }
.dl-verdict-exceeds { border-color: light-dark(#b3261e, #ff8e85); } .dl-verdict-exceeds strong { color: light-dark(#b3261e, #ff8e85); }
.st-key-calculator-verdict [data-testid="stMetricValue"] { font-size: 1.45rem; }
@media (max-width: 640px) {
  .st-key-calculator-verdict [data-testid="stHorizontalBlock"] { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; }
  .st-key-calculator-verdict [data-testid="stColumn"] { min-width: 0; width: 100%; }
  .st-key-calculator-verdict [data-testid="stMetricValue"] { font-size: 1.05rem; }
}
</style>"""
