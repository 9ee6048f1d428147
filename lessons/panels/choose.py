"""Choosing a method: the comparison table of a model, what four sizes cost, and the path of questions. All figures are the calculator's."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.contracts import SpecError
from engine.planner.answer import Answer
from engine.recorded.table import of_cell, spread
from lessons.catalog import find
from lessons.panels.measured import percent
from lessons.panels.numbers import planned
from lessons.panels.planner_fit import markdown_table
from lessons.panels.results import SMOL, truth_of_rows
from lessons.text import fill, label, prose, table

METHODS = ("full", "lora", "qlora", "prompt", "prefix", "head")
MODELS = (
    "HuggingFaceTB/SmolLM2-135M", "meta-llama/Llama-3.2-1B", "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-3.1-8B",
    "meta-llama/Llama-2-13b-hf", "huggyllama/llama-65b", "meta-llama/Llama-2-70b-hf",
)  # fmt: skip
CARDS = ("RTX 4090", "L40S", "A100 80GB SXM", "H200", "B200")
"""From small to large."""
SIZES = ("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-13b-hf", "huggyllama/llama-65b", "meta-llama/Llama-2-70b-hf")
TOKENS = 1e7
_ADAPTER: dict[str, object] = {"rank": 16, "targets": "all-linear"}
_TASKS = 100
QUALITY = {"pirate": "sft", "sentiment-json": "sft", "facts": "sft", "sentiment": "classify"}
"""Tasks on which SmolLM2 was measured with every method that goes with them, and their objective."""


def chosen() -> tuple[str, str]:
    """Model and card that the boxes stand at."""
    model, card = st.session_state.get("choose-model", MODELS[2]), st.session_state.get("choose-card", CARDS[0])
    return (model if model in MODELS else MODELS[2]), (card if card in CARDS else CARDS[0])


def answers(model: str, card: str, **options: object) -> dict[str, Answer]:
    """Each method for one text of 512 tokens at a time; those that do not go with the model are left out."""
    found = {}
    for method in METHODS:
        try:
            found[method] = planned(model, method, gpu=card, **_adapter(method), **options)
        except SpecError:
            continue
    return found


def _adapter(method: str) -> dict[str, object]:
    return _ADAPTER if method in ("lora", "qlora") else {}


def fitting(model: str, card: str) -> int:
    """How many methods fit without doubt."""
    return sum(answer.verdict == "fits" for answer in answers(model, card).values())


def choose_boxes() -> None:
    """The two boxes above the table."""
    left, right = st.columns(2)
    left.selectbox(label("choose.model"), MODELS, index=2, key="choose-model", persist_state="session", format_func=short)
    right.selectbox(label("choose.card"), CARDS, key="choose-card", persist_state="session")


def comparison(model: str, card: str) -> None:
    """One row a method."""
    markdown_table([_row(method, answer, card) for method, answer in answers(model, card).items()])


def _row(method: str, answer: Answer, card: str) -> dict[str, str]:
    low, high = answer.reserve.reserved_interval_gib
    held = answer.estimate.standing
    base = 0 if method == "full" else answer.checkpoint_bytes
    return {
        label("choose.method"): label(f"methods.{method}"),
        label("choose.verdict", card=card): label(
            "choose.judged", verdict=label(f"choose.{answer.verdict}"), low=f"{low:.1f}", high=f"{high:.1f}"
        ),
        label("choose.trained"): percent(held.trainable_params / held.total_params),
        label("choose.stored"): label("choose.kept", one=size(answer.adapter_bytes), hundred=size(_TASKS * answer.adapter_bytes + base)),
        label("choose.use"): label(f"choose.{method}"),
    }


def quality(model: str, card: str) -> None:
    """What each method learned where it was measured, and what it costs for the chosen model and card."""
    found = answers(model, card, tokens=TOKENS)
    gpu = next(iter(found.values())).gpu
    hourly = label("choose.to", low=f"{gpu.price_low:.2f}", high=f"{gpu.price_high:.2f}") if gpu.price_low else label("choose.unknown")
    prose("choosing", "quality", tokens=f"{TOKENS / 1e6:g}", card=card, hourly=hourly)
    markdown_table([_quality_row(method, answer) for method, answer in found.items()])
    rows = [row for task, objective in QUALITY.items() for method in found for row in of_cell(SMOL, task, method, objective)]
    st.caption(label("choose.truth", recorded=truth_of_rows(rows, SMOL), priced=gpu.price_date))


def _quality_row(method: str, answer: Answer) -> dict[str, str]:
    scores = {task: spread(of_cell(SMOL, task, method, objective), "score_after") for task, objective in QUALITY.items()}
    unknown, there = label("choose.unknown"), answer.verdict != "exceeds"
    return {
        label("choose.method"): label(f"methods.{method}"),
        **{label(f"results.{task}"): f"{100 * found.mean:.0f}%" if found else unknown for task, found in scores.items()},
        label("choose.hours"): _range(answer.hours if there else None),
        label("choose.cost"): _range(answer.cost_usd if there else None),
    }


def costs() -> None:
    """Hours and dollars for four sizes and every method that fits, on the smallest single card of the list."""
    markdown_table(cost_rows())


def cost_rows() -> list[dict[str, str]]:
    """A row a method, a column a size; the answers behind it are remembered."""
    return [
        {label("choose.method"): label(f"methods.{method}"), **{short(model): _job(model, method) for model in SIZES}} for method in METHODS
    ]


def _job(model: str, method: str) -> str:
    """The smallest card on which the method fits, hours and dollars."""
    for card in CARDS:
        kept = "none" if method == "prefix" else "full"  # a prefix lives in the cache, which checkpointing does without
        answer = planned(model, method, gpu=card, seq_len=1024, checkpointing=kept, tokens=TOKENS, **_adapter(method))
        if answer.verdict == "fits":
            return label("choose.job", card=card, hours=_range(answer.hours), dollars=_range(answer.cost_usd))
    return label("choose.none")


def path() -> None:
    """One question after the other; at the end a lesson, and why."""
    steps: dict[str, dict[str, Any]] = table("choosing/path")
    name: str | None = "first"
    while name is not None:
        step = steps[name]
        texts = [answer["text"] for answer in step["answer"]]
        said = st.radio(step["asks"], texts, index=None, key=f"path-{name}", persist_state="session")
        if said is None:
            return
        answer = step["answer"][texts.index(said)]
        name = answer.get("next")
        if name is None:
            page = find(answer["page"])
            st.success(label("choose.says", name=page.title, because=fill(answer["because"])))
            st.markdown(f"[{label('choose.open', name=page.title)}](/{page.path})")


def short(model: str) -> str:
    return model.rpartition("/")[2]


def size(count: float) -> str:
    """Bytes as MB or GB, 1 GB being 10⁹ bytes."""
    return (
        label("choose.gigabytes", value=f"{float(f'{count / 1e9:.3g}'):,g}")
        if count >= 1e9
        else label("choose.megabytes", value=f"{count / 1e6:,.3g}")
    )


def _range(values: tuple[float, float] | None) -> str:
    return label("choose.to", low=f"{values[0]:,.2g}", high=f"{values[1]:,.2g}") if values else label("choose.unknown")
