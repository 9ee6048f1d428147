"""Show the code that ran: read from its file as text, never imported."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parent.parent.parent


def show_code(places: dict[str, tuple[str, str]]) -> None:
    """One tab a piece of code: title -> (file, name of a function or class in it)."""
    for tab, (file, name) in zip(st.tabs(list(places)), places.values(), strict=True):
        with tab:
            st.caption(f"{file} · {name}")
            st.code(source(file, name), language="python", wrap_lines=True)


@cache
def source(file: str, name: str) -> str:
    """The text of one top-level function or class. Raises KeyError when the file has none of that name."""
    text = (ROOT / file).read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise KeyError(f"{file} has no {name}")
