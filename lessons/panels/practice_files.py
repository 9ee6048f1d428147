"""Out and in: the learner's history, and the questions for other programs."""

from __future__ import annotations

import streamlit as st

from engine.contracts import DeltaLabError, SpecError
from lessons.panels.practice_today import all_questions, packs_folder
from lessons.panels.question_forms import aside
from lessons.text import say
from quizzes import bank, packs
from quizzes.answers import CachedLog
from quizzes.export import anki, moodle, sheet, table
from quizzes.history import export_history, import_history
from quizzes.schema import Pack


def history_panel(log: CachedLog, learner: str) -> None:
    """Export and import of every answer."""
    answers = log.load(learner)
    st.markdown(_say("history.rows", rows=len(answers)))
    with st.container(horizontal=True):
        st.download_button(
            _say("history.json"), lambda: export_history(answers), "delta-lab-history.json", "application/json", on_click="ignore"
        )
        st.download_button(
            _say("history.csv"), lambda: table.answers_csv(answers, all_questions()), "delta-lab-answers.csv", "text/csv", on_click="ignore"
        )
    file = st.file_uploader(_say("history.upload"), type=["json"], key="history-upload")
    if file is not None and st.button(_say("history.add"), type="primary", key="history-add"):
        _add(file.getvalue(), log, learner)


def _say(key: str, **values: object) -> str:
    return say("practice", key, **values)


def _add(data: bytes, log: CachedLog, learner: str) -> None:
    try:
        fresh = import_history(data, learner, log.load(learner))
        log.save_all(fresh)
    except SpecError as error:
        for problem in error.problems:
            st.error(problem)
        return
    except DeltaLabError as error:
        st.error(str(error))
        return
    st.session_state.pop("practice-schedule", None)
    st.success(_say("history.added", answers=len(fresh)))


def take_along_panel() -> None:
    """Anki, Moodle and paper."""
    everything = (*bank.packs(), *packs.kept_packs(packs_folder()))
    names = {pack.name: pack.title for pack in everything}
    chosen = st.multiselect(_say("take.which"), list(names), default=list(names), format_func=names.__getitem__, key="take-packs")
    taken = tuple(pack for pack in everything if pack.name in chosen)
    if not taken:
        st.info(_say("take.none"))
        return
    _downloads(taken)


def _downloads(taken: tuple[Pack, ...]) -> None:
    count = sum(len(pack.questions) for pack in taken)
    aside(_say("take.count", questions=count))
    seed = st.number_input(_say("take.seed"), 0, 9999, 0, key="take-seed")
    with st.container(horizontal=True):
        st.download_button(_say("take.anki"), lambda: anki.apkg(taken), "delta-lab.apkg", "application/octet-stream", on_click="ignore")
        st.download_button(
            _say("take.moodle"), lambda: moodle.moodle_xml(taken), "delta-lab-moodle.xml", "application/xml", on_click="ignore"
        )
        st.download_button(
            _say("take.sheet"),
            lambda: sheet.sheets(taken, int(seed)),
            f"delta-lab-sheet-{seed}.html",
            "text/html",
            on_click="ignore",
        )
