"""Claim check: what people repeat, computed now, with a case for which it holds and one for which it does not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import streamlit as st

from engine.planner.claims import Case, Claim
from engine.planner.claims import claims as compute
from lessons.text import fill, label, table


def claims(ids: Sequence[str]) -> None:
    """One box a claim: the sum in words, then both cases with their figures.

    Raises:
        KeyError: The calculator has no claim of that id, or claims.toml has no sum for it.
    """
    for claim_id in ids:
        claim, words = found(claim_id), table("claims")[claim_id.replace(".", "_")]
        with st.container(border=True, key=f"claim-{claim_id.replace('.', '-')}"):
            st.markdown(f"**“{words['claim']}”**")
            for case, setting in ((claim.true_case, words["true"]), (claim.false_case, words["false"])):
                st.markdown(_said(case, setting), unsafe_allow_html=True)
            source = f" {claim.source}." if claim.source else ""
            st.caption(fill(words["sum"]) + source)


def _said(case: Case, setting: str) -> str:
    verdict = label("claims.holds" if case.holds else "claims.fails")
    return f"- {verdict}: {fill(setting)}: **{case.value:,.4g} {case.unit}**"


@cache
def found(claim_id: str) -> Claim:
    """Nothing that a learner sets goes into a claim, so each is computed once."""
    return {claim.id: claim for claim in compute()}[claim_id]
