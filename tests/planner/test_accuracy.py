"""The goals of accuracy against published rows, and the committed table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine.planner
from engine.planner.accuracy import held_out_scores, own_rows, own_scores, row_scores, speed_scores
from engine.planner.answer import answer
from engine.planner.calibrate import allocated, relative
from engine.planner.misses import misses, reserved_misses, speed_misses, trace_misses
from engine.planner.options import read_options
from engine.planner.rows import rows
from engine.planner.tracefile import compare

SCORES = {score.group: score for score in row_scores()}


@pytest.mark.parametrize(
    ("group", "goal"), [("full, allocated", 3), ("lora, allocated", 6), ("qlora, allocated", 8), ("all methods, reserved", 12)]
)
def test_mean_error_is_within_the_goal(group, goal):
    assert SCORES[group].mean_percent <= goal


def test_stated_interval_holds_nine_in_ten():
    """Of fewer than 20 rows it is set to hold all, which is what nine in ten of unseen rows take."""
    for group in ("full, allocated", "lora, allocated", "qlora, allocated", "all methods, reserved"):
        assert SCORES[group].covered_percent >= 90
    assert SCORES["qlora, allocated"].covered_percent <= 94 and SCORES["all methods, reserved"].covered_percent <= 94


def test_held_out_rows_are_within_the_goals():
    found = {score.group: score for score in held_out_scores()}
    assert found["all methods, reserved, held-out half of the models"].mean_percent <= 12
    assert all(86 <= score.covered_percent <= 94 for name, score in found.items() if name.startswith(("all methods", "all lengths")))
    for method, goal in (("full", 3), ("lora", 6), ("qlora", 8)):
        unseen = found[f"{method}, allocated, held-out model"]
        assert unseen.mean_percent <= goal
        assert 86 <= unseen.covered_percent <= 94.2  # 16 of 17 are 94.1%


def test_reserved_memory_of_texts_of_one_length():
    """54 of the 77 held-out rows are of one model, which neither factors nor bands have seen."""
    found = {score.group: score for score in [*row_scores(), *own_scores()]}
    held_out, every = held_out_scores()[-2:]
    assert every.group == "all lengths, reserved, held-out model" and every.rows == 121
    assert held_out.group == "one length, reserved, held-out model" and held_out.rows == 77 and held_out.mean_percent <= 6
    assert 86 <= held_out.covered_percent <= 95  # fewer than ten models: the bands hold all that they are set on
    published = [held_out, *(found[f"{method}, one length, reserved"] for method in ("full", "lora", "qlora"))]
    own = {method: found[f"{method}, reserved, measured by this project"] for method in ("full", "lora", "qlora")}
    unseen = found["reserved, measured by this project, models that set nothing"]
    assert unseen.rows >= 15 and unseen.mean_percent <= 4
    for score in (*published, *own.values(), unseen):  # rows that set the bands are held more often than nine times in ten
        assert score.mean_percent <= 12 and score.covered_percent >= 86 and score.width_percent <= 25, score
    assert (
        own["lora"].mean_percent <= 2
        and own["qlora"].mean_percent <= 2
        and own["lora"].width_percent <= 12
        and own["qlora"].width_percent <= 12
    )


def test_reserved_interval_holds_what_tensors_may_take_and_doubts_the_slack_only():
    """LLaMA-65B: nearly all of it stands and is known, so that it fits 48 GB, as it did; the frozen weights of 7B beside the same slack change nothing."""
    for row in own_rows():
        assert row.reserved.low <= row.reserved.said <= row.reserved.high and row.reserved.high >= row.allocated.high, row.id
    asked = {"method": "qlora", "rank": 64, "targets": "all-linear", "seq_len": 512, "checkpointing": "full", "gpu": "RTX A6000"}
    large = answer(read_options({**asked, "model": "huggyllama/llama-65b"}))
    low, high = large.reserve.reserved_interval_gib
    assert large.verdict == "fits" and high - low < 0.08 * large.reserve.reserved_gib
    small, plain = (
        answer(read_options({"model": "meta-llama/Llama-2-7b-hf", "method": "lora", "seq_len": 512, "weights": weights})).reserve
        for weights in ("bf16", "fp32")
    )
    below = [(room.reserved_gib - room.reserved_interval_gib[0]) / room.reserved_gib for room in (small, plain)]
    assert 0 < below[1] < below[0]


@pytest.mark.parametrize(
    ("changes", "copy", "idle"),
    [({}, 0, 2), ({"logits": "legacy"}, 4, 0), ({"logits": "inplace"}, 4, 0), ({"logits": "chunked"}, 0.5, 0), ({"logits": "fused"}, 0, 0),
     ({"weights": "fp32", "autocast": "none"}, 0, 0), ({"weights": "fp32", "autocast": "bf16"}, 0, 2), ({"objective": "classify"}, 0, 0),
     ({"model": "google/flan-t5-large"}, 0, 0), ({"objective": "dpo"}, 0, 4), ({"dynamic_padding": True}, 0, 0)],
)  # fmt: skip
def test_each_loss_has_its_own_copy_or_idle_segment(changes, copy, idle):
    """Bytes a logit of one text; a pair has two texts."""
    found = answer(read_options({"model": "HuggingFaceTB/SmolLM2-135M", "method": "lora", "seq_len": 512, "micro_batch": 2, **changes}))
    logits = 512 * 2 * found.arch.vocab
    assert (found.estimate.copy_bytes / logits, found.estimate.idle_bytes / logits) == (copy, idle)


def test_speed_is_within_a_quarter_for_four_rows_in_five():
    """Held out: with both factors, and what several cards keep, set on the other models."""
    stated, unseen, several, several_unseen = speed_scores()
    assert [score.rows for score in (stated, unseen, several, several_unseen)] == [41, 41, 60, 60]
    assert min(score.covered_percent for score in (stated, unseen, several, several_unseen)) >= 90
    assert unseen.mean_percent <= 8


def test_speed_of_another_card_on_which_nothing_was_set():
    """The published rows are of an A100; these were measured on an H100, small models and batches among them."""
    found = {score.group: score for score in own_scores()}["tokens per second, measured by this project"]
    assert found.rows >= 30 and found.mean_percent <= 30 and found.covered_percent >= 86


def test_triton_kernels_norm_the_last_hidden_state_too():
    """The one norm outside the layers keeps its input in 16 bits as well: rows whose peak is the loss."""
    found = [row for row in rows() if row.options.software == "hf-triton" and row.options.logits == "legacy" and row.method == "lora"]
    assert len(found) == 4 and all(abs(relative(row, allocated(row))) <= 0.001 for row in found)


def test_experts_one_after_another_keep_what_they_are_given_in():
    """bitsandbytes gives back the type of its input: after kbit_prepare Mixtral's experts work in fp32, and their recomputation is the peak."""
    found = [row for row in rows() if "mixtral" in row.id and row.options.kbit_prepare]
    assert len(found) == 2 and all(abs(relative(row, allocated(row))) <= 0.015 for row in found)


def test_committed_table_is_the_computed_one():
    committed = json.loads((Path(engine.planner.__file__).with_name("accuracy.json")).read_bytes())
    assert committed["rows"] == [score._asdict() for score in row_scores()]
    assert committed["own"] == [score._asdict() for score in own_scores()]


def test_sums_follow_the_kept_traces():
    found = compare()
    assert found["traces"] >= 1000 and found["mean_percent"] <= 0.2 and found["p90_percent"] <= 0.5
    assert [(miss["id"], "not explained" in miss["reason"]) for miss in trace_misses()] == [("trace 1006 (phi)", False)]


def test_every_miss_is_listed_once():
    """Rows whose figure is off by more than 10%, 25% for speed, and no others."""
    listed = [miss["id"] for miss in [*misses(), *reserved_misses(), *speed_misses()]]
    assert len(listed) == len(set(listed))
    off = [row.id for row in rows() if row.measure == "reserved" and abs(answer(row.options).reserve.reserved_gib / row.measured_gib - 1) > 0.1]  # fmt: skip
    assert set(off) <= set(listed) and len(off) <= 3
    assert all(abs(miss["error_percent"]) >= 25 for miss in speed_misses())


def test_reserved_memory_follows_the_mean_of_lengths_where_it_is_known():
    """Texts an eighth as long as the longest leave an eighth of the slack; the band without the mean is the wider one."""
    asked = {"model": "meta-llama/Llama-2-7b-hf", "method": "lora", "seq_len": 4096, "checkpointing": "full", "dynamic_padding": True}
    known = ({}, {"tokens_per_example": 512}, {"tokens_per_example": 9999})
    unknown, short, same = (answer(read_options({**asked, **more})).reserve for more in known)
    blocks = 1.0  # started segments
    slack = [room.reserved_gib - room.allocated_gib - blocks for room in (unknown, short, same)]
    assert slack[1] == pytest.approx(slack[0] / 8) and slack[2] == pytest.approx(slack[0]) and slack[0] > 1
    assert same.reserved_interval_gib[0] > unknown.reserved_interval_gib[0]


def test_what_a_real_gpu_allocated_is_what_was_said():
    """33 questions to an H100, listed before they were run."""
    found = own_rows()
    assert len(found) >= 30 and {row.method for row in found} >= {"full", "lora", "qlora", "prompt", "prefix"}
    errors = sorted(abs(row.allocated.error_percent) for row in found)
    assert errors[-1] <= 2 and errors[len(errors) // 2] <= 0.1
    assert all(abs(row.allocated.error_percent) <= 0.3 for row in found if row.method == "lora")
