"""The calculator's question: widgets and the address that holds them all. One list drives both."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import streamlit as st

from engine.contracts import SpecError
from engine.planner.catalogue import find, model_ids
from engine.planner.hardware import gpus
from engine.planner.hub import fetch_config
from engine.planner.link import from_link, to_link
from engine.planner.options import CHOICES, TARGET_WORDS, Options, read_options

PREFIX = "ask-"
START = {"model": "meta-llama/Llama-2-7b-hf", "method": "qlora", "gpu": "RTX 4090", "rank": 16, "targets": "all-linear", "seq_len": 512,
         "micro_batch": 4, "checkpointing": "full", "tokens": 5_000_000}  # fmt: skip
PASTED = "a pasted config.json"
FROM_HUB = "a model of the hub, by its id"
OWN_CARD = "other: own GiB"
_TITLES = {
    "full": "Full fine-tuning",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "prompt": "Prompt tuning",
    "prefix": "Prefix tuning",
    "head": "Frozen + head",
}


class Field(NamedTuple):
    """One input behind "More"."""

    name: str
    title: str
    kind: str
    help: str = ""


MORE = (
    Field("objective", "Objective", "choice", "sft also covers instruction tuning"),
    Field("weights", "Weights in memory", "choice", "nf4-dq: 4 bits with double quantization"),
    Field("trainable_dtype", "What is trained", "choice", "full: fp32 with bf16 weights keeps a master copy"),
    Field("autocast", "Autocast", "choice", "bf16 as the Trainer's bf16=True"),
    Field("optimizer", "Optimizer", "choice"),
    Field("attention", "Attention", "choice"),
    Field("logits", "Loss", "choice", "whole: transformers 5; legacy: 4.3x to 4.49; inplace: Triton; fused: linear and loss in one"),
    Field("reference", "Reference model", "choice", "for DPO and RLHF"),
    Field("gpus", "GPUs", "whole"),
    Field("sharding", "Sharding", "choice", "how several GPUs share the memory"),
    Field("offload", "CPU offload", "choice"),
    Field("accumulation", "Gradient accumulation", "whole"),
    Field("dynamic_padding", "Lengths vary", "flag", "the allocator keeps more, and a padding mask is kept"),
    Field("kbit_prepare", "kbit_prepare", "flag", "PEFT's prepare_model_for_kbit_training: the rest becomes fp32"),
    Field("epochs", "Epochs", "number"),
    Field("price", "US dollars per GPU and hour", "number", "empty takes the list's band"),
)


def ask() -> dict[str, Any]:
    """Show the question, keep the address in step, and return plain values; what a link sets wrongly is named."""
    now = _from_address()
    with st.container(border=True, key="calculator-question"):
        values = _main_row(now)
        with st.expander("More: objective, precision, optimizer, several GPUs, data"):
            values |= _more(now, values)
    _to_address(values)
    return values


def _from_address() -> dict[str, Any]:
    words = st.query_params.to_dict()
    given = from_link(words)
    if not given.get("model") and "calculator-config" not in st.session_state:
        return dict(START) if len(given) < 2 else {**START, **given}
    return given


def _main_row(now: dict[str, Any]) -> dict[str, Any]:
    left, middle, right = st.columns(3)
    with left:
        values = _model(now)
        method = _pick("method", "Method", CHOICES["method"], now, format_func=lambda m: _TITLES[m])
    values["method"] = method
    with middle:
        values["gpu"] = _card(now)
        values["seq_len"] = int(_number("seq_len", "Sequence length, tokens", now, 512))
    with right:
        values["micro_batch"] = int(_number("micro_batch", "Micro-batch", now, 1))
        values["checkpointing"] = _pick("checkpointing", "Checkpointing", CHOICES["checkpointing"], now)
        values |= _tokens(now)
    if method in ("lora", "qlora"):
        with left:
            values["rank"] = int(_number("rank", "Rank r", now, 16))
        with middle:
            words = list(TARGET_WORDS) + ([now["targets"]] if now.get("targets") not in (None, *TARGET_WORDS) else [])
            values["targets"] = _pick("targets", "Adapters on", words, now)
    if method in ("prompt", "prefix"):
        with left:
            values["virtual_tokens"] = int(_number("virtual_tokens", "Virtual tokens", now, 20))
    return values


def _model(now: dict[str, Any]) -> dict[str, Any]:
    names = [*model_ids(), FROM_HUB, PASTED]
    given = now.get("model", START["model"])
    index = names.index(given) if given in names else 0
    if given not in names:
        st.error(_refusal(given))
    chosen = st.selectbox("Model", names, index=index, key=f"{PREFIX}model", help="type to search; or paste a config.json")
    if chosen == FROM_HUB:
        return _from_hub()
    if chosen != PASTED:
        return {"model": chosen}
    text = st.text_area("config.json", key="calculator-config", height=120, placeholder='{"model_type": "llama", "hidden_size": 4096, ...}')
    try:
        return {"config": json.loads(text)} if text and len(text) < 1_000_000 else {"config": {}}
    except (ValueError, RecursionError):
        return {"config": "not JSON"}


def _from_hub() -> dict[str, Any]:
    name = st.text_input("Hub id", key="calculator-hub", placeholder="owner/name")
    if not name:
        st.info("Give a hub id; its config.json is fetched, and nothing else.")
        return {"model": str(START["model"])}
    try:
        return {"config": _fetched(name)}
    except SpecError as error:
        st.error(str(error))
        return {"model": str(START["model"])}


@st.cache_data(max_entries=100, show_spinner="Fetching config.json …")
def _fetched(name: str) -> dict[str, Any]:
    return fetch_config(name)


def _refusal(given: Any) -> str:
    try:
        find(str(given))
    except SpecError as error:
        return str(error)
    return f"model={given!r:.40} is not in the list"


def _card(now: dict[str, Any]) -> str:
    names = [*gpus(), OWN_CARD]
    given = str(now.get("gpu", "A100 80GB SXM"))
    own = given not in names
    chosen = st.selectbox("GPU", names, index=len(names) - 1 if own else names.index(given), key=f"{PREFIX}gpu")
    if chosen != OWN_CARD:
        return str(chosen)
    try:
        start = float(given.lower().removesuffix("gib")) if own else 24.0
    except ValueError:
        start = 24.0
    return f"{st.number_input('Memory, GiB', 0.5, 100_000.0, start, key=f'{PREFIX}own'):g}"


def _more(now: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    default = _defaults({**now, **values})
    out: dict[str, Any] = {}
    columns = st.columns(3)
    for place, field in enumerate(_applying(values, now)):
        with columns[place % 3]:
            shown = _widget(field, now, getattr(default, field.name) if default else None, values["method"])
        if shown is not None and (default is None or shown != getattr(default, field.name)):
            out[field.name] = shown
    return out


def _applying(values: dict[str, Any], now: dict[str, Any]) -> list[Field]:
    preference = st.session_state.get(f"{PREFIX}objective-{values['method']}", now.get("objective")) in ("dpo", "rlhf")
    several = (st.session_state.get(f"{PREFIX}gpus-{values['method']}") or now.get("gpus") or 1) > 1
    hidden = {"reference": not preference, "sharding": not several, "kbit_prepare": values["method"] != "qlora"}
    return [field for field in MORE if not hidden.get(field.name)]


def _defaults(values: dict[str, Any]) -> Options | None:
    kept = {key: values[key] for key in ("model", "method") if key in values}
    try:
        return read_options(kept)
    except SpecError:
        return None


def _widget(field: Field, now: dict[str, Any], default: Any, method: str) -> Any:
    key = f"{PREFIX}{field.name}-{method}"
    given = now.get(field.name, default)
    if field.kind == "choice":
        names = list(CHOICES[field.name])
        return st.selectbox(field.title, names, index=names.index(given) if given in names else 0, key=key, help=field.help or None)
    if field.kind == "flag":
        return st.toggle(field.title, value=given is True, key=key, help=field.help or None) or None
    if field.kind == "whole":
        return int(
            st.number_input(field.title, 1, 1_000_000, int(given) if isinstance(given, int) else 1, key=key, help=field.help or None)
        )
    start = float(given) if isinstance(given, (int, float)) else None
    return st.number_input(field.title, 0.0, 1e15, start, key=key, help=field.help or None, format="%g")


def _pick(name: str, title: str, options: Any, now: dict[str, Any], **kwargs: Any) -> Any:
    names = list(options)
    given = now.get(name)
    return st.selectbox(title, names, index=names.index(given) if given in names else 0, key=f"{PREFIX}{name}", **kwargs)


def _number(name: str, title: str, now: dict[str, Any], default: int) -> int:
    given = now.get(name, default)
    if not isinstance(given, int) or given < 1:
        st.error(f"{name}={given!r:.40} must be a whole number of at least 1; {default} is taken")
        given = default
    return int(st.number_input(title, 1, 10_000_000, given, key=f"{PREFIX}{name}"))


def _tokens(now: dict[str, Any]) -> dict[str, Any]:
    given = now.get("tokens")
    start = int(given) if isinstance(given, (int, float)) and 1 <= given <= 1e15 else None
    found = st.number_input("Tokens of one epoch", 1, 10**15, start, key=f"{PREFIX}tokens", placeholder="for hours and price",
        help="for example 10,000 examples of 500 tokens: 5,000,000")  # fmt: skip
    return {"tokens": found} if found else {}


def _to_address(values: dict[str, Any]) -> None:
    try:
        words = to_link(read_options(values))
    except SpecError:
        return
    keep = {key: value for key, value in st.query_params.to_dict().items() if key in ("projector",)}
    if st.query_params.to_dict() != {**keep, **words}:
        st.query_params.from_dict({**keep, **words})
