"""Show the code that ran: read from its file as text, never imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st

from lessons.text import label

ROOT = Path(__file__).parent.parent.parent


def show_code(places: Mapping[str, tuple[str, str]]) -> None:
    """One tab a piece of code: key of its title -> (file, name of a function or class in it, or nothing for the whole file).

    Files that are not there are left out.
    """
    there = {title: place for title, place in places.items() if (ROOT / place[0]).exists()}
    if not there:
        return
    for tab, (file, name) in zip(st.tabs([label(f"code.{title}") for title in there]), there.values(), strict=True):
        with tab:
            st.caption(f"{file} · {name}" if name else file)
            st.code(source(file, name), language="python", wrap_lines=True)


@cache
def source(file: str, name: str) -> str:
    """The text of one top-level function or class, or of the file. Raises KeyError when the file has none of that name."""
    text = (ROOT / file).read_text("utf-8")
    if not name:
        return text
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise KeyError(f"{file} has no {name}")
