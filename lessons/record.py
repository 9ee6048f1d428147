"""Your record: parts, minutes, predictions and questions of one learner; to print, to take along, to remove."""

from __future__ import annotations

import datetime
import json

import streamlit as st

from engine.store import predictions, progress, record
from engine.store.progress import NOTHING, LessonProgress
from lessons import arc
from lessons.catalog import LESSONS, PAGES, Page
from lessons.panels.planner_fit import markdown_table
from lessons.panels.quiz import answer_log
from lessons.stage import stage
from lessons.stage.learner import learner_id
from lessons.stage.scene import Scene
from lessons.text import label, prose, read
from quizzes import bank
from quizzes.answers import Answer, in_force
from viz import prediction_record as chart
from viz.label import TruthLabel, day_text

PAGE = "record"


def page() -> None:
    """A summary that prints on a page or two, then what can be done with it."""
    arc.header(PAGE, lead=read(PAGE, "lead"))
    learner = learner_id()
    if learner is None:
        return
    made = [row for row in predictions.history(learner) if row.score is not None]
    with st.container(key="paper-summary"):
        _who()
        _lessons(progress.of(learner), made, in_force(answer_log(learner).load(learner)))
    with st.container(key="paper-predictions"):
        st.header(label("record.predictions"), anchor="predictions")
        _predictions(made)
    with st.container(key="not-on-paper"):
        st.header(label("record.take"), anchor="take")
        _take(learner)


def _who() -> None:
    """The name is printed and not kept."""
    with st.container(key="not-on-paper-name"):
        name = st.text_input(label("record.name"), key="record-name", help=label("record.name_help"), max_chars=80)
    today = datetime.date.today()
    st.markdown(label("record.of", name=name.strip() or label("record.nobody"), day=day_text(today)))


def _lessons(known: dict[str, LessonProgress], made: list[predictions.PredictionRow], answers: list[Answer]) -> None:
    """One row a lesson, and the sum."""
    rows = [_row(page, known.get(page.path, NOTHING), made, answers) for page in LESSONS]
    parts = sum(len(known.get(page.path, NOTHING).parts) for page in LESSONS)
    minutes = sum(so_far.seconds for so_far in known.values()) / 60
    prose(
        PAGE, "sum", parts=parts, all=len(arc.PARTS) * len(LESSONS), minutes=f"{minutes:.0f}", predictions=len(made), answers=len(answers)
    )
    markdown_table(rows)


def _row(page: Page, so_far: LessonProgress, made: list[predictions.PredictionRow], answers: list[Answer]) -> dict[str, str]:
    mine = {question.id for question in bank.of_lesson(page.path)}
    tries = [answer for answer in answers if answer.question in mine and answer.tries == 0]
    right = sum(answer.chosen.get("right") is True for answer in tries)
    off = [100 * (1 - row.score) for row in made if row.page == page.path and row.score is not None]
    none = label("choose.unknown")
    return {
        label("record.lesson"): page.title,
        label("record.parts"): label("record.share", done=len(so_far.parts), all=len(arc.PARTS)),
        label("record.minutes"): f"{so_far.seconds / 60:.0f}",
        label("record.right"): label("record.share", done=right, all=len(tries)) if tries else none,
        label("record.off"): f"{sum(off) / len(off):.0f}" if off else none,
    }


def _predictions(made: list[predictions.PredictionRow]) -> None:
    titles = {page.path: page.title for page in PAGES}
    found = [
        chart.Prediction(datetime.date.fromtimestamp(row.at).isoformat(), titles.get(row.page, row.page), 100 * (1 - row.score))
        for row in made
        if row.score is not None
    ]
    info = chart.get_prediction_record_info(found, TruthLabel("live", datetime.date.today().isoformat()))
    words, tables = chart.describe_prediction_record(info), (chart.prediction_record_table(info),)
    scene = Scene(chart.draw_prediction_record(info), label("record.predictions"), info.label.text, words, tables, height_px=300)
    stage(scene if found else None, key="record-predictions", empty=label("record.no_predictions"))


def _take(learner: str) -> None:
    """Everything as JSON, and the way to begin anew."""
    prose(PAGE, "take")
    st.download_button(
        label("record.export"),
        lambda: json.dumps(record.everything(learner), ensure_ascii=False, indent=1),
        "delta-lab-record.json",
        "application/json",
        on_click="ignore",
    )
    sure = st.checkbox(label("record.sure"), key="record-sure")
    if st.button(label("record.erase"), key="record-erase", disabled=not sure):
        record.erase(learner)
        for key in list(st.session_state):
            if key != "pages":
                del st.session_state[key]
        st.rerun()
