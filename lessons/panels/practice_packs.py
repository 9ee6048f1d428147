"""A teacher's own questions: upload, look, remove."""

from __future__ import annotations

import streamlit as st

from engine.contracts import SpecError
from lessons.panels.practice_today import packs_folder
from lessons.text import FOLDER, say, source
from quizzes import packs

SAMPLE = FOLDER / "practice" / "sample.toml"
"""A pack to start from."""


def packs_panel() -> None:
    """What is there, with a button to remove each, and an upload."""
    st.markdown(_say("packs.lead"))
    for pack in packs.kept_packs(packs_folder()):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.markdown(_say("packs.pack", title=pack.title, name=pack.name, questions=len(pack.questions)))
        right.button(_say("packs.remove"), key=f"pack-remove-{pack.name}", on_click=_remove, args=(pack.name,))
    with st.expander(_say("packs.sample")):
        sample = source(SAMPLE)
        st.code(sample, language="toml")
        st.download_button(_say("packs.download"), sample, "my-class.toml", "application/toml", on_click="ignore")
    file = st.file_uploader(_say("packs.upload"), type=["toml"], key="pack-upload", max_upload_size=1)
    if file is not None and st.button(_say("packs.add"), type="primary", key="pack-add"):
        _add(file.getvalue(), file.name)


def _say(key: str, **values: object) -> str:
    return say("practice", key, **values)


def _add(data: bytes, name: str) -> None:
    try:
        checked = packs.keep_pack(data, name, packs_folder())
    except SpecError as error:
        st.error(_say("packs.refused", file=name, problems=len(error.problems)))
        st.code("\n".join(error.problems), language="text")
        return
    except OSError as error:
        st.error(_say("packs.not_kept", file=name, reason=error.strerror))
        return
    st.session_state.pop("practice-questions", None)
    st.success(_say("packs.added", questions=len(checked.pack.questions), title=checked.pack.title))
    if checked.advice:
        st.info("\n".join([_say("packs.advice"), *(f"- {line}" for line in checked.advice)]))


def _remove(name: str) -> None:
    packs.remove_pack(name, packs_folder())
    st.session_state.pop("practice-questions", None)
