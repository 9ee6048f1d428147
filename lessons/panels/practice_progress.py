"""How practice goes, as charts, and the misconceptions that are still held."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lessons.panels.practice_today import all_questions
from lessons.panels.question_forms import aside
from lessons.stage import stage
from lessons.stage.scene import Scene
from lessons.text import say
from quizzes import bank, clock, progress
from quizzes.answers import Answer
from quizzes.schedule import DESIRED_RETENTION, Schedule, schedule
from quizzes.schema import Question
from viz import calibration, forecast, retention, streak
from viz.label import TruthLabel


def progress_panel(answers: Sequence[Answer]) -> None:
    """Forecast, retention, streak, calibration, misconceptions."""
    now, zone = clock.now(), st.context.timezone
    day = clock.day_of(now, zone)
    state, label = schedule(answers, now), TruthLabel("live", day)
    left, right = st.columns(2)
    with left:
        _forecast(state, label)
        _streak(answers, day, label)
    with right:
        _retention(state, label)
        _calibration(answers, label)
    _misconceptions(answers, all_questions())


def _forecast(state: Schedule, label: TruthLabel) -> None:
    days = [(entry.day, entry.questions) for entry in progress.forecast(state, clock.now(), st.context.timezone)]
    info = forecast.get_forecast_info(days, label)
    words, table = forecast.describe_forecast(info), forecast.forecast_table(info)
    _chart(
        Scene(forecast.draw_forecast(info), say("practice", "progress.forecast"), label.text, words, (table,), height_px=300),
        empty=not sum(info.due),
    )


def _streak(answers: Sequence[Answer], day: str, label: TruthLabel) -> None:
    days = progress.practised(answers)
    info = streak.get_streak_info([(entry.day, entry.questions) for entry in days], day, progress.streak(days, day), label)
    words, table = streak.describe_streak(info), streak.streak_table(info)
    _chart(Scene(streak.draw_streak(info), say("practice", "progress.streak"), label.text, words, (table,), height_px=300))


def _retention(state: Schedule, label: TruthLabel) -> None:
    info = retention.get_retention_info([tuple(week) for week in progress.retention(state)], DESIRED_RETENTION, label)
    words, table = retention.describe_retention(info), retention.retention_table(info)
    _chart(
        Scene(retention.draw_retention(info), say("practice", "progress.retention"), label.text, words, (table,), height_px=300),
        empty=not info.reviews,
    )


def _calibration(answers: Sequence[Answer], label: TruthLabel) -> None:
    info = calibration.get_calibration_info([tuple(entry) for entry in progress.calibration(answers)], label)
    words, table = calibration.describe_calibration(info), calibration.calibration_table(info)
    _chart(
        Scene(calibration.draw_calibration(info), say("practice", "progress.calibration"), label.text, words, (table,), height_px=300),
        empty=not info.shares,
    )


def _chart(scene: Scene, empty: bool = False) -> None:
    """The picture; where it would be empty, its sentence instead."""
    stage(None if empty else scene, key=f"practice-{scene.title}", empty=scene.description)


def _misconceptions(answers: Sequence[Answer], questions: dict[str, Question]) -> None:
    found = progress.misconceptions(answers, questions)
    names = bank.misconceptions()
    still = [entry for entry in found if entry.cured_by is None and entry.name in names]
    cured = [entry for entry in found if entry.cured_by is not None and entry.name in names]
    st.subheader(say("practice", "progress.ideas"), anchor=False)
    if not still:
        st.write(say("practice", "progress.none" if found else "progress.not_yet"))
    for entry in still:
        idea = say("practice", "progress.idea", idea=names[entry.name].name, times=entry.times)
        st.markdown(f"{idea}  \n{names[entry.name].truth}")
    if cured:
        aside(say("practice", "progress.mended", ideas="; ".join(f"“{names[entry.name].name}”" for entry in cured)))
