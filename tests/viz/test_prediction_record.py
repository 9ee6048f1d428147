"""The chart of predictions: running mean, words, table; nothing, one, many."""

from __future__ import annotations

import pytest

from viz.label import TruthLabel
from viz.prediction_record import (
    Prediction,
    describe_prediction_record,
    draw_prediction_record,
    get_prediction_record_info,
    prediction_record_table,
)

LABEL = TruthLabel("live", "2026-11-22")


@pytest.mark.parametrize(
    ("off", "means"),
    [((), ()), ((40,), (40,)), ((40, 20), (40, 30)), ((60, 50, 40, 30, 20, 10), (60, 55, 50, 45, 40, 30))],
)
def test_the_mean_is_of_the_last_five(off, means):
    made = [Prediction("2026-11-22", "LoRA", value) for value in off]
    info = get_prediction_record_info(made, LABEL)
    assert info.means == means and info.predictions == tuple(made)
    figure = draw_prediction_record(info)
    assert [trace.name for trace in figure.data] == ["each prediction", "mean of the last 5"]
    assert figure.layout.yaxis.title.text == "points off" and len(prediction_record_table(info).rows) == len(off)
    words = describe_prediction_record(info)
    assert words.startswith("No prediction") if not off else f"off by {means[-1]:.0f} points" in words
