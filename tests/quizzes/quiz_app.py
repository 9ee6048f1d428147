"""A lesson's quiz alone on a page; the learner stands in the address."""

from __future__ import annotations

import streamlit as st

from lessons.panels.quiz import quiz

st.title("Quiz")
quiz("lora", st.query_params.get("who"))
