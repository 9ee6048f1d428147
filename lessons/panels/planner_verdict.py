"""The calculator's answer in three seconds: fits or not, how long, how much, and how sure."""

from __future__ import annotations

import html

import streamlit as st

from engine.planner.answer import Answer, real_rate
from engine.planner.clock import constants
from engine.planner.explain import explain
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import read, say, words
from viz.label import TruthLabel
from viz.memory_stack import describe_memory_stack, draw_memory_stack, get_memory_stack_info, memory_stack_tables

ICONS = {"fits": "✓", "tight": "≈", "exceeds": "✕"}
COMPUTED = TruthLabel("illustration")


def verdict(a: Answer) -> None:
    """One line that decides, four figures, and the stack of terms."""
    low, high = a.reserve.reserved_interval_gib
    where = _say(
        "verdict.on_several" if a.options.gpus > 1 else "verdict.on_one",
        gpus=a.options.gpus, gpu=a.gpu.name, low=f"{low:.1f}", high=f"{high:.1f}", usable=f"{a.gpu.usable_gib:.1f}",
    )  # fmt: skip
    st.html(
        f'<div class="dl-verdict dl-verdict-{a.verdict}" role="status">'
        f"<strong>{ICONS[a.verdict]} {html.escape(_say(f'verdict.{a.verdict}'))}</strong> <span>{html.escape(where)}</span></div>" + STYLE
    )
    give = None if a.options.tokens else _say("ask.give")
    figures = st.columns(4)
    figures[0].metric(_say("memory.title"), f"{a.reserve.reserved_gib:.1f} GiB", help=_memory_help(a), border=True)
    figures[1].metric(_say("speed.title"), _band(a.tokens_per_second, "{:,.0f}"), help=_speed_help(a), border=True)
    figures[2].metric(_say("hours.title"), give or _band(a.hours, "{:.3g}"), help=_hours_help(a), border=True)
    figures[3].metric(_say("price.title"), give or _band(a.cost_usd, "{:,.2f}"), help=_price_help(a), border=True)
    _padding(a)
    stage(stack_scene(a), key="calculator-stack")


def short_verdict(verdict: str) -> str:
    """Its sign and a word or two, for tables."""
    return f"{ICONS[verdict]} {_say(f'verdict.{verdict}_short')}"


def between(values: tuple[float, float], form: str) -> str:
    """Both ends of an interval, each written as `form` says, such as ".1f"."""
    return _say("page.between", low=format(values[0], form), high=format(values[1], form))


def _say(key: str, **values: object) -> str:
    return say("calculator", key, **values)


def _padding(a: Answer) -> None:
    """What of the speed is text, where examples are shorter than rows."""
    share, rate = a.options.real_share, real_rate(a)
    if share is None or rate is None or share == 1.0:
        return
    row = {"row": f"{a.options.seq_len:,}", "text": f"{share * a.options.seq_len:,.0f}"}
    packs = a.options.objective == "sft" and not a.options.dynamic_padding
    told = _say("ask.real", **row, rate=_band(rate, "{:,.0f}"))
    words(told + (_say("ask.pack", packed=_band(a.tokens_per_second, "{:,.0f}")) if packs else ""))


def stack_scene(a: Answer) -> Scene:
    """The stack of terms with its words and its table."""
    words = explain(a)
    info = get_memory_stack_info(
        of_method(a),
        {e.name: e.gib for e in words},
        a.reserve.reserved_interval_gib,
        a.gpu.usable_gib,
        a.gpu.name,
        COMPUTED,
        {e.name: e.formula for e in words},
        a.reserve.reserved_gib,
    )
    tables, caption = memory_stack_tables(info), read("gallery", "computed")
    return plain_stage(_say("page.memory"), draw_memory_stack(info), describe_memory_stack(info), tables, caption=caption, height_px=300)


def of_method(a: Answer) -> str:
    """What a picture of this answer is about: its method and its model."""
    return _say("page.of", method=_say(f"methods.{a.options.method}"), model=a.options.model or _say("page.config"))


def _band(values: tuple[float, float] | None, form: str) -> str:
    if not values:
        return _say("page.unknown")
    low, high = (form.format(value) if abs(value) < 1e4 else f"{value:,.0f}" for value in values)
    return f"{low} – {high}"


def _memory_help(a: Answer) -> str:
    low, high = a.reserve.allocated_interval_gib
    sizes = _say(
        "memory.help",
        allocated=f"{a.reserve.allocated_gib:.2f}", low=f"{low:.2f}", high=f"{high:.2f}",
        reserved=f"{a.reserve.reserved_gib:.2f}", shown=f"{a.reserve.nvidia_smi_gib:.1f}",
    )  # fmt: skip
    return f"{sizes} {_say('memory.assumed' if a.assumed else 'memory.measured')}"


def _speed_help(a: Answer) -> str:
    operations, written = constants()["pace"]["factors"]
    work = _say("speed.work", operations=f"{operations:.2f}", written=f"{written:.1f}")
    return f"{work} {_say('speed.assumed' if a.speed_assumed else 'speed.measured')} {_say('speed.small')}"


def _hours_help(a: Answer) -> str:
    return _say("hours.help", tokens=f"{a.options.tokens or 0:,.0f}", epochs=f"{a.options.epochs:g}")


def _price_help(a: Answer) -> str:
    if a.options.price is not None:
        return _say("price.own")
    if a.gpu.price_low is None:
        return _say("price.none")
    listed = {"low": f"{a.gpu.price_low:g}", "high": f"{a.gpu.price_high:g}", "date": a.gpu.price_date, "source": a.gpu.price_source}
    return _say("price.listed", **listed)


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
