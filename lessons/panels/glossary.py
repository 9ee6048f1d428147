"""All terms of the glossary, to search and to read."""

from __future__ import annotations

import streamlit as st

from lessons.text import glossary, label


def glossary_panel() -> None:
    """Behind a line to open: every term with what it means, in the order of the alphabet."""
    terms = sorted(glossary().values(), key=lambda term: term.term.casefold())
    with st.expander(label("glossary.open", count=len(terms))):
        st.markdown("\n".join(f"- **{term.term}.** {term.says}" for term in terms))
