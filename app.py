"""The app: lists the pages, dresses them, and hands over to the one that was asked for. Run: streamlit run app.py"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st

from engine.store import progress
from lessons import catalog
from lessons.panels.progress import rail, signs
from lessons.stage import preload
from lessons.stage.learner import keep_learner, learner_id
from lessons.text import label
from lessons.warm_up import warm_up

THEME = Path(__file__).parent / "lessons" / "theme"


def show(page: catalog.Page) -> Callable[[], None]:
    """A function that imports and runs the page when it is opened, so that no page pays for another."""
    return lambda: import_module(f"lessons.{page.module}").page()


def main() -> None:
    learner = learner_id()
    known = progress.of(learner) if learner else {}
    pages = {page.path: st.Page(show(page), title=page.title, url_path=page.path) for page in catalog.existing()}
    entries: dict[str, list[Any]] = {}
    for page in catalog.existing():
        entries.setdefault(label(f"rail.{page.group}"), []).append(pages[page.path])
    first = next(iter(pages.values()), None)

    def home() -> None:
        if first is None:
            st.info(label("rail.empty"))
        else:
            st.switch_page(first, query_params=st.query_params.to_dict())

    root = st.Page(home, title="Delta Lab", url_path="home", default=True, visibility="hidden")
    chosen = st.navigation({"": [root], **entries}, expanded=True)
    st.set_page_config(page_title=f"{chosen.title} · Delta Lab", page_icon=THEME / "icon.svg", layout="wide", initial_sidebar_state="auto")
    st.html(THEME / "page.css")
    st.html(signs(known))
    with st.container(key="rail-script"):
        st.html(f"<script>{(THEME / 'rail.js').read_text('utf-8')}\n{preload()}</script>", unsafe_allow_javascript=True)
    keep_learner()
    rail(known, chosen.url_path)
    st.session_state["pages"] = pages  # so that a page can send the reader to another
    chosen.run()
    warm_up()


main()
