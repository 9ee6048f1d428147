"""Methods side by side for one model and card, models side by side for one card, and the claims that people repeat."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from engine.contracts import SpecError
from engine.planner.answer import Answer, cached_answer
from engine.planner.catalogue import model_ids
from engine.planner.claims import claims as all_claims
from engine.planner.options import CHOICES
from engine.planner.ways import changed_options
from lessons.panels.claims import claims as claim_boxes
from lessons.panels.planner_fit import markdown_table
from lessons.panels.planner_verdict import between, short_verdict
from lessons.stage import planner_scenes, stage
from lessons.text import prose, say

MODELS = ("HuggingFaceTB/SmolLM2-135M", "meta-llama/Llama-3.2-1B", "Qwen/Qwen3-4B", "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-14B", "Qwen/Qwen3-32B",
          "meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.1-405B")  # fmt: skip


def compare(a: Answer) -> None:
    """The course's comparison table, computed for this model and card; then this method over models."""
    st.subheader(_say("methods"), anchor=False)
    rows = [row for method in CHOICES["method"] if (row := _row(a, _changes(method), say("calculator", f"methods.{method}")))]
    markdown_table(rows)
    _towers(a)
    st.subheader(_say("models"), anchor=False)
    if a.options.model:
        markdown_table([row for name in MODELS if name in model_ids() and (row := _row(a, {"model": name}, name))])
    else:
        st.info(_say("choose"))


def _say(key: str) -> str:
    return say("calculator", f"compare.{key}")


def _towers(a: Answer) -> None:
    """The same methods as towers against the card; those that do not go with the model have none."""
    found = []
    for method in CHOICES["method"]:
        with suppress(SpecError):
            found.append((method, cached_answer(changed_options(a.options, _changes(method)))))
    if found:
        prose("pictures", "towers")
        stage(planner_scenes.towers_of(found), key="calculator-towers")


def _changes(method: str) -> dict[str, str]:
    """A method with what it needs: a head sorts into classes, and a prefix cannot be recomputed."""
    return {"method": method, "objective": "classify" if method == "head" else "sft"} | (
        {"checkpointing": "none"} if method == "prefix" else {}
    )


def _row(a: Answer, changes: dict[str, str], name: str) -> dict[str, str] | None:
    try:
        found = cached_answer(changed_options(a.options, changes))
    except SpecError as error:
        return {"": name, _say("verdict"): error.problems[0], **dict.fromkeys(map(_say, ("reserved", "trained", "stored", "speed")), "")}
    trained = found.estimate.standing.trainable_params
    return {
        "": name,
        _say("verdict"): short_verdict(found.verdict),
        _say("reserved"): between(found.reserve.reserved_interval_gib, ".1f"),
        _say("trained"): f"{trained:,} ({100 * trained / found.estimate.standing.total_params:.3g}%)",
        _say("stored"): f"{found.adapter_bytes / 1e6:,.2f} MB",
        _say("speed"): between(found.tokens_per_second, ",.0f") if found.tokens_per_second else say("calculator", "page.unknown"),
    }


def claims(a: Answer) -> None:
    """Every claim with the configuration that makes it true and the one that makes it false."""
    claim_boxes([claim.id for claim in all_claims()])
