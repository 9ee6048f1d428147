from __future__ import annotations

import math

import pytest

from viz import calibration, forecast, question_chart, retention, streak
from viz.label import TruthLabel

LABEL = TruthLabel("live", "2026-11-22")
SHARES = [("2026-11", "sure", 4, 3), ("2026-10", "guess", 2, 1), ("2026-11", "guess", 0, 0)]


def test_forecast_keeps_days_and_counts():
    info = forecast.get_forecast_info([("2026-11-22", 3), ("2026-11-23", 0)], LABEL)
    assert info == forecast.ForecastInfo(("2026-11-22", "2026-11-23"), (3, 0), LABEL)
    figure = forecast.draw_forecast(info)
    assert figure.layout.yaxis.title.text == "questions" and list(figure.data[0].y) == [3, 0]
    assert "3 questions" in forecast.describe_forecast(info)
    assert forecast.forecast_table(info).rows[0] == ("2026-11-22", 3)


def test_retention_divides_by_reviews_and_leaves_empty_weeks_out():
    info = retention.get_retention_info([("2026-11-16", 4, 3, 3.6), ("2026-11-23", 0, 0, 0.0)], 0.9, LABEL)
    assert info[:4] == (("2026-11-16",), (4,), (0.75,), (0.9,))
    assert [trace.name for trace in retention.draw_retention(info).data] == ["known", "expected by FSRS"]
    assert "75%" in retention.describe_retention(info)
    assert retention.retention_table(info).rows == (("2026-11-16", 4, 75.0, 90.0),)


def test_streak_puts_each_day_on_its_weekday():
    info = streak.get_streak_info([("2026-11-22", 5), ("2026-11-16", 2)], "2026-11-22", 1, LABEL, weeks=2)
    assert info.mondays == ("2026-11-09", "2026-11-16")
    assert info.counts[6] == (0, 5) and info.counts[0] == (0, 2)
    assert streak.get_streak_info([], "2026-11-20", 0, LABEL, weeks=1).counts[6] == (None,)
    assert streak.streak_table(info).rows == (("2026-11-16", 2), ("2026-11-22", 5))
    assert streak.draw_streak(info).layout.xaxis.title.text == "week"
    assert "7 questions on 2 days" in streak.describe_streak(info)


def test_calibration_has_a_line_for_each_confidence_that_was_used():
    info = calibration.get_calibration_info(SHARES, LABEL)
    assert [share.month for share in info.shares] == ["2026-10", "2026-11"]
    figure = calibration.draw_calibration(info)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [("guessing", [50.0]), ("sure", [75.0])]
    assert "75% right of 4" in calibration.describe_calibration(info)
    assert calibration.calibration_table(info).rows[1] == ("2026-11", "sure", 4, 3, 75.0)


@pytest.mark.parametrize("style", ["line", "bar"])
def test_question_chart_draws_each_series(style):
    info = question_chart.get_question_chart_info(
        style, ("T", "x", "y"), [("a", [1, 2], [1.0, math.nan]), ("b", [1, 2], [3, 4])], "made up"
    )
    assert info.series[0].y == (1.0, None)
    figure = question_chart.draw_question_chart(info)
    assert [trace.name for trace in figure.data] == ["a", "b"] and "made up" in figure.layout.title.text
    assert "b: 1: 3, 2: 4" in question_chart.describe_question_chart(info)
    assert len(question_chart.question_chart_table(info).rows) == 4


def test_question_chart_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match="pie"):
        question_chart.get_question_chart_info("pie", ("T", "x", "y"), [], "")
    with pytest.raises(ValueError, match="2 x and 1 y"):
        question_chart.get_question_chart_info("bar", ("T", "x", "y"), [("a", [1, 2], [1])], "")


def test_empty_charts_say_so():
    assert "Nothing" in forecast.describe_forecast(forecast.get_forecast_info([], LABEL))
    assert "No question" in retention.describe_retention(retention.get_retention_info([], 0.9, LABEL))
    assert "how sure" in calibration.describe_calibration(calibration.get_calibration_info([], LABEL))
    for draw, info in (
        (forecast.draw_forecast, forecast.get_forecast_info([], LABEL)),
        (retention.draw_retention, retention.get_retention_info([], 0.9, LABEL)),
    ):
        draw(info).to_json()
