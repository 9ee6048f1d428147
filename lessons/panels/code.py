"""Show the code that ran: read from its file as text, never imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st

from lessons.text import label

ROOT = Path(__file__).parent.parent.parent


@st.fragment
def show_code(places: Mapping[str, tuple[str, str]]) -> None:
    """One closed box a piece of code: key of its title -> (file, name of a function or class in it, or nothing for the whole file).

    A box is filled when it is opened, since the browser takes a second to get what colours the first code of a session.
    Files that are not there are left out.
    """
    for title, (file, name) in places.items():
        if (ROOT / file).exists():
            box = st.expander(label(f"code.{title}"), key=f"code-{title}", on_change="rerun")
            if box.open:
                box.caption(f"{file} · {name}" if name else file)
                box.code(source(file, name), language="python", wrap_lines=True)


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
