"""Out and in: the learner's history, and the questions for other programs."""

from __future__ import annotations

import streamlit as st

from engine.contracts import DeltaLabError, SpecError
from lessons.panels.practice_today import all_questions, packs_folder
from lessons.panels.question_forms import aside
from quizzes import bank, packs
from quizzes.answers import CachedLog
from quizzes.export import anki, moodle, sheet, table
from quizzes.history import export_history, import_history
from quizzes.schema import Pack


def history_panel(log: CachedLog, learner: str) -> None:
    """Export and import of every answer."""
    answers = log.load(learner)
    st.markdown(f"{len(answers)} rows are stored for this browser. Nobody's name is among them.")
    with st.container(horizontal=True):
        st.download_button(
            "History (JSON)", lambda: export_history(answers), "delta-lab-history.json", "application/json", on_click="ignore"
        )
        st.download_button(
            "Answers (CSV)", lambda: table.answers_csv(answers, all_questions()), "delta-lab-answers.csv", "text/csv", on_click="ignore"
        )
    file = st.file_uploader("Bring a history from another browser or machine", type=["json"], key="history-upload")
    if file is not None and st.button("Add its answers", type="primary", key="history-add"):
        _add(file.getvalue(), log, learner)


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
    st.success(f"{len(fresh)} answers added; those that were here already stay as they are.")


def take_along_panel() -> None:
    """Anki, Moodle and paper."""
    everything = (*bank.packs(), *packs.kept_packs(packs_folder()))
    names = {pack.name: pack.title for pack in everything}
    chosen = st.multiselect("Which questions", list(names), default=list(names), format_func=names.__getitem__, key="take-packs")
    taken = tuple(pack for pack in everything if pack.name in chosen)
    if not taken:
        st.info("Choose at least one.")
        return
    _downloads(taken)


def _downloads(taken: tuple[Pack, ...]) -> None:
    count = sum(len(pack.questions) for pack in taken)
    aside(f"{count} questions. Those with drawn numbers go out in three versions, since other programs can't draw.")
    seed = st.number_input("Sheet number: another number, other values and another order", 0, 9999, 0, key="take-seed")
    with st.container(horizontal=True):
        st.download_button("Anki deck", lambda: anki.apkg(taken), "delta-lab.apkg", "application/octet-stream", on_click="ignore")
        st.download_button("Moodle XML", lambda: moodle.moodle_xml(taken), "delta-lab-moodle.xml", "application/xml", on_click="ignore")
        st.download_button(
            "Sheet to print, with key",
            lambda: sheet.sheets(taken, int(seed)),
            f"delta-lab-sheet-{seed}.html",
            "text/html",
            on_click="ignore",
        )
