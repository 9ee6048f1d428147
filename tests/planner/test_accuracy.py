"""The goals of accuracy against published rows, and the committed table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine.planner
from engine.planner.accuracy import held_out_scores, own_rows, row_scores, speed_scores
from engine.planner.tracefile import compare

SCORES = {score.group: score for score in row_scores()}


@pytest.mark.parametrize(
    ("group", "goal"), [("full, allocated", 3), ("lora, allocated", 6), ("qlora, allocated", 8), ("all methods, reserved", 12)]
)
def test_mean_error_is_within_the_goal(group, goal):
    assert SCORES[group].mean_percent <= goal


@pytest.mark.parametrize("group", ["full, allocated", "lora, allocated", "qlora, allocated", "all methods, reserved"])
def test_interval_holds_nine_in_ten(group):
    one_row = 100 / SCORES[group].rows
    assert 86 <= SCORES[group].covered_percent <= max(94, 100 - one_row + 0.05)  # of 17 rows, 16 are 94.1%


def test_held_out_rows_are_within_the_goals():
    found = {score.group: score for score in held_out_scores()}
    assert found["all methods, reserved, held-out half of the models"].mean_percent <= 12
    assert all(80 <= score.covered_percent <= 94 for score in found.values())


def test_speed_is_within_a_quarter_for_four_rows_in_five():
    stated, unseen = speed_scores()
    assert stated.covered_percent >= 80
    assert unseen.mean_percent <= 25  # only two models were measured, one of them without fused kernels


def test_committed_table_is_the_computed_one():
    committed = json.loads((Path(engine.planner.__file__).with_name("accuracy.json")).read_bytes())
    assert committed["rows"] == [score._asdict() for score in row_scores()]


def test_sums_follow_the_kept_traces():
    found = compare()
    assert found["traces"] >= 100 and found["within_2_percent"] >= 99 and found["mean_percent"] <= 0.3


def test_what_a_real_gpu_allocated_is_what_was_said():
    """33 questions to an H100, listed before they were run."""
    found = own_rows()
    assert len(found) >= 30 and {row.method for row in found} >= {"full", "lora", "qlora", "prompt", "prefix"}
    errors = sorted(abs(row.allocated_error_percent) for row in found)
    assert errors[-1] <= 2 and errors[len(errors) // 2] <= 0.1
    assert all(abs(row.allocated_error_percent) <= 0.3 for row in found if row.method == "lora")
