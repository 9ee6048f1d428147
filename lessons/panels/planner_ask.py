"""The calculator's question: widgets and the address that holds them all.

What an address says wrongly leaves its widget empty and goes on as it is, so that it is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import streamlit as st

from engine.contracts import SpecError
from engine.planner.catalogue import full_id, model_ids
from engine.planner.hardware import Gpu, find_gpu, gpus
from engine.planner.hub import fetch_config
from engine.planner.link import from_link, to_link
from engine.planner.options import CHOICES, FLAGS, NUMBERS, TARGET_WORDS, WHOLE, filled, read_options
from lessons.text import table, words

PREFIX = "ask-"
START = {"model": "meta-llama/Llama-2-7b-hf", "method": "qlora", "gpu": "RTX 4090", "rank": 16, "targets": "all-linear", "seq_len": 512,
         "micro_batch": 4, "checkpointing": "full", "examples": 10_000, "tokens_per_example": 400}  # fmt: skip
MORE = ("objective", "weights", "trainable_dtype", "autocast", "optimizer", "attention", "logits", "reference", "gpus", "sharding", "offload",
        "accumulation", "dynamic_padding", "kbit_prepare", "tokens", "price")  # fmt: skip
INFERRED = ("objective", "weights", "trainable_dtype", "autocast", "reference", "sharding", "kbit_prepare")
"""What has a default of its own for each method; another method starts from that."""


def ask() -> dict[str, Any]:
    """Show the question, keep the address in step, and return plain values."""
    now = _from_address()
    with st.container(border=True, key="calculator-question"):
        values = _main(now)
        if values["method"] != now.get("method", "lora"):
            now = {name: value for name, value in now.items() if name not in INFERRED}
        with st.expander(_say("more")):
            values |= _more(now, values)
    _to_address(values)
    return values


def _say(name: str) -> str:
    return str(table("calculator")["ask"][name])


def _from_address() -> dict[str, Any]:
    given = from_link(st.query_params.to_dict())
    if given.get("model") or "config" in given:
        return given
    return {**START, **given}


def _to_address(values: dict[str, Any]) -> None:
    try:
        link = to_link(read_options(values))
    except SpecError:
        return
    old = st.query_params.to_dict()
    new = {**{key: value for key, value in old.items() if key == "projector"}, **link}
    if old != new:
        st.query_params.from_dict(new)


def _main(now: dict[str, Any]) -> dict[str, Any]:
    """Rows of three, so that what stands under a card moves all that follows."""
    left, middle, right = st.columns(3)
    with left:
        values = _model(now)
    with middle:
        values["gpu"] = _card(now)
    with right:
        values["micro_batch"] = _number("micro_batch", now.get("micro_batch", 1))
    left, middle, right = st.columns(3)
    with left:
        titles = table("calculator")["methods"]
        method = values["method"] = _choice("method", CHOICES["method"], now.get("method", "lora"), format_func=lambda m: titles[m])
    with middle:
        values["seq_len"] = _number("seq_len", now.get("seq_len", 512))
    with right:
        values["checkpointing"] = _choice("checkpointing", CHOICES["checkpointing"], now.get("checkpointing", "none"))
    if method in ("lora", "qlora"):
        left, middle, right = st.columns(3)
        with left:
            values["rank"] = _number("rank", now.get("rank", 16))
        with middle:
            given = now.get("targets", TARGET_WORDS[0])
            values["targets"] = _choice("targets", dict.fromkeys((*TARGET_WORDS, given)), given)
    elif method in ("prompt", "prefix"):
        left, middle, right = st.columns(3)
        with left:
            values["virtual_tokens"] = _number("virtual_tokens", now.get("virtual_tokens", 20))
    for place, name in zip(st.columns(3), ("examples", "tokens_per_example", "epochs"), strict=True):
        with place:
            values[name] = _number(name, now.get(name, 1.0 if name == "epochs" else None))
    values["packing"] = _flag("packing", now.get("packing")) or None
    return values


def _more(now: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Fields in an order in which each one's default follows from those before it; only what differs from that is returned."""
    known = {"method": values["method"]}
    out: dict[str, Any] = {}
    columns = st.columns(3)
    place = 0
    for name in MORE:
        if not _applies(name, known):
            continue
        default = getattr(filled(known), name)
        with columns[place % 3]:
            shown = _widget(name, now.get(name, default), f"-{values['method']}-{default}" if name in INFERRED else "")
        place += 1
        if shown is not None and shown != default:
            out[name] = known[name] = shown
    return out


def _applies(name: str, known: dict[str, Any]) -> bool:
    several = known.get("gpus", 1)
    return {
        "reference": known.get("objective") in ("dpo", "rlhf"),
        "sharding": not isinstance(several, int) or several > 1,
        "kbit_prepare": known["method"] == "qlora",
    }.get(name, True)


def _widget(name: str, given: Any, suffix: str = "") -> Any:
    if name in CHOICES:
        return _choice(name, CHOICES[name], given, suffix)
    return _flag(name, given, suffix) if name in FLAGS else _number(name, given, suffix)


def _about(name: str, suffix: str = "") -> dict[str, Any]:
    field = table("calculator")["fields"][name]
    return {"label": field["title"], "help": field.get("help"), "key": f"{PREFIX}{name}{suffix}"}


def _choice(name: str, options: Iterable[str], given: Any, suffix: str = "", **more: Any) -> Any:
    names = list(options)
    shown = st.selectbox(options=names, index=names.index(given) if given in names else None, placeholder=_say("choose"),
        **_about(name, suffix), **more)  # fmt: skip
    return given if shown is None else shown


def _flag(name: str, given: Any, suffix: str = "") -> Any:
    shown = st.toggle(value=given is True, **_about(name, suffix))
    return given if isinstance(given, str) and not shown else shown


def _number(name: str, given: Any, suffix: str = "") -> Any:
    whole = name in WHOLE
    low, high, _ = WHOLE[name] if whole else NUMBERS[name]
    good = isinstance(given, int if whole else (int, float)) and not isinstance(given, bool) and low <= given <= high
    kind = int if whole else float
    shown = st.number_input(min_value=kind(low), max_value=kind(high), value=kind(given) if good else None,
        format="%d" if whole else "%.0f" if name == "tokens" else "%g", **_about(name, suffix))  # fmt: skip
    return given if shown is None and not good else shown


def _model(now: dict[str, Any]) -> dict[str, Any]:
    pasted, hub = _say("pasted"), _say("hub")
    names = [*model_ids(), hub, pasted]
    given: Any = now.get("model")
    try:
        start = pasted if "config" in now else full_id(given)
    except SpecError:
        start = ""
    shown = st.selectbox(options=names, index=names.index(start) if start else None, placeholder=_say("choose"), **_about("model"))
    if shown == hub:
        return _from_hub()
    if shown != pasted:
        return {"model": shown or given}
    before = now.get("config")
    text = st.text_area(_say("config"), json.dumps(before, indent=1) if before not in (None, "") else "", key=f"{PREFIX}config", height=160,
        placeholder='{"model_type": "llama", "hidden_size": 4096, ...}')  # fmt: skip
    if not text.strip():
        st.info(_say("paste_first"))
        return {}
    try:
        return {"config": json.loads(text) if len(text) < 1_000_000 else "too long"}
    except (ValueError, RecursionError):
        return {"config": "not JSON"}


def _from_hub() -> dict[str, Any]:
    name = st.text_input(_say("hub_id"), key=f"{PREFIX}hub", placeholder="owner/name")
    if not name:
        st.info(_say("hub_first"))
        return {}
    try:
        with st.spinner(_say("fetching")):
            return {"config": _fetched(name)}
    except SpecError as error:
        st.error(str(error))
        return {}


@st.cache_data(max_entries=100, show_spinner=False)
def _fetched(name: str) -> dict[str, Any]:
    return fetch_config(name)


def _card(now: dict[str, Any]) -> str:
    given, own = str(now.get("gpu", "A100 80GB SXM")), _say("own")
    names = [*gpus(), own]
    try:
        card = find_gpu(given)
        start = card.name if card.name in names else own
    except SpecError:
        card, start = None, ""
    shown = st.selectbox(options=names, index=names.index(start) if start else None, placeholder=_say("choose"), **_about("gpu"))
    if shown == own:
        size = card.memory_gib if card and start == own else 24.0
        return f"{st.number_input(_say('own_gib'), 0.5, 100_000.0, size, key=f'{PREFIX}own'):g}"
    if shown:
        _describe(gpus()[shown])
    return shown or given


def _describe(card: Gpu) -> None:
    """What the list says about a card: its room, price with date and source, and what is doubted."""
    if not card.has_bf16:
        st.caption(f":orange[{_say('no_bf16')}]")
    with st.popover(_say("about"), type="tertiary"):
        words(_say("room"), memory=f"{card.memory_gib:g}", usable=f"{card.usable_gib:g}")
        if card.price_low is None:
            words(_say("no_price"))
        else:
            words(_say("price"), low=f"{card.price_low:g}", high=f"{card.price_high:g}", date=card.price_date, source=card.price_source)
        if not card.checked:
            words(_say("doubt"), doubt=card.check)
        if card.note:
            words("{{note}}", note=card.note)
