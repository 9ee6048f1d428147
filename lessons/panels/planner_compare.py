"""Methods side by side for one model and card, models side by side for one card, and the claims that people repeat."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from engine.contracts import SpecError
from engine.planner.answer import Answer, cached_answer
from engine.planner.catalogue import model_ids
from engine.planner.claims import Case
from engine.planner.claims import claims as all_claims
from engine.planner.options import CHOICES
from engine.planner.ways import changed_options
from lessons.panels.planner_fit import markdown_table
from lessons.panels.planner_verdict import ICONS, WORDS
from lessons.stage import planner_scenes, stage
from lessons.text import prose

MODELS = ("HuggingFaceTB/SmolLM2-135M", "meta-llama/Llama-3.2-1B", "Qwen/Qwen3-4B", "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-14B", "Qwen/Qwen3-32B",
          "meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.1-405B")  # fmt: skip


def compare(a: Answer) -> None:
    """The course's comparison table, computed for this model and card; then this method over models."""
    st.subheader("Methods for this model and card", anchor=False)
    rows = [row for method in CHOICES["method"] if (row := _row(a, _changes(method), method))]
    markdown_table(rows)
    _towers(a)
    st.subheader("Models for this card with this method", anchor=False)
    if a.options.model:
        markdown_table([row for name in MODELS if name in model_ids() and (row := _row(a, {"model": name}, name))])
    else:
        st.info("Choose a model of the catalogue to compare it with others.")


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
        return {"": name, "verdict": error.problems[0], "reserved, GiB": "", "trained": "", "stored for a task": "", "tokens/s": ""}
    low, high = found.reserve.reserved_interval_gib
    speed = f"{found.tokens_per_second[0]:,.0f} to {found.tokens_per_second[1]:,.0f}" if found.tokens_per_second else "not known"
    trained = found.estimate.standing.trainable_params
    return {
        "": name,
        "verdict": f"{ICONS[found.verdict]} {WORDS[found.verdict].split(':')[0]}",
        "reserved, GiB": f"{low:.1f} to {high:.1f}",
        "trained": f"{trained:,} ({100 * trained / found.estimate.standing.total_params:.3g}%)",
        "stored for a task": f"{found.adapter_bytes / 1e6:,.2f} MB",
        "tokens/s": speed,
    }


def claims(a: Answer) -> None:
    """Each claim with the configuration that makes it true and the one that makes it false."""
    for claim in all_claims():
        with st.container(border=True, key=f"claim-{claim.id.replace('.', '-')}"):
            st.markdown(f"**“{claim.text}”**" + (f" · {claim.source}" if claim.source else ""))
            for case in (claim.true_case, claim.false_case):
                st.markdown(f"- {_said(case)}")


def _said(case: Case) -> str:
    return f"{'✓ true' if case.holds else '✕ false'}: {case.setting}: **{case.value:,.4g} {case.unit}**"
