"""A teacher's own questions: upload, look, remove."""

from __future__ import annotations

import streamlit as st

from engine.contracts import SpecError
from lessons.panels.practice_today import packs_folder
from quizzes import packs

_SAMPLE = """[pack]
name = "my-class"
title = "My class"

[[question]]
id = "first"
kind = "choice"
stem = "Which part of a LoRA adapter starts at zero?"
source = "Hu et al. 2021, §4.1"
[[question.option]]
text = "B"
correct = true
feedback = "Yes, so that the product is zero at the start."
[[question.option]]
text = "A"
feedback = "A starts at random values."

[[question]]
id = "second"
kind = "number"
stem = "How many parameters has an adapter of rank {{rank}} on a matrix of {{d}} × {{d}}?"
source = "r (d + d)"
answer = "rank * (d + d)"
unit = "parameters"
tolerance = 0.01
right = "Right: both factors are counted."
wrong = "Count B and A: r × d each."
[question.draw.lists]
rank = [4, 8, 16]
d = [512, 1024]
"""


def packs_panel() -> None:
    """What is there, with a button to remove each, and an upload."""
    st.markdown("Questions of your own, as a TOML file. They are practised beside those of the course, under names of their own.")
    for pack in packs.kept_packs(packs_folder()):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.markdown(f"**{pack.title}** (`{pack.name}`): {len(pack.questions)} questions")
        right.button("Remove", key=f"pack-remove-{pack.name}", on_click=_remove, args=(pack.name,))
    with st.expander("What such a file looks like"):
        st.code(_SAMPLE, language="toml")
        st.download_button("Download it as a start", _SAMPLE, "my-class.toml", "application/toml", on_click="ignore")
    file = st.file_uploader("Add a pack, or a newer version of one", type=["toml"], key="pack-upload", max_upload_size=1)
    if file is not None and st.button("Check and add", type="primary", key="pack-add"):
        _add(file.getvalue(), file.name)


def _add(data: bytes, name: str) -> None:
    try:
        checked = packs.keep_pack(data, name, packs_folder())
    except SpecError as error:
        st.error(f"{name} was not added. {len(error.problems)} things to mend:")
        st.code("\n".join(error.problems), language="text")
        return
    except OSError as error:
        st.error(f"{name} could not be kept: {error.strerror}. Free some space, or check the data folder.")
        return
    st.session_state.pop("practice-questions", None)
    st.success(f"{len(checked.pack.questions)} questions of “{checked.pack.title}” are in.")
    if checked.advice:
        st.info("Worth another look:\n" + "\n".join(f"- {line}" for line in checked.advice))


def _remove(name: str) -> None:
    packs.remove_pack(name, packs_folder())
    st.session_state.pop("practice-questions", None)
