"""The calculator's charts: numbers first, then that every shape of them draws."""

from __future__ import annotations

import pytest

from viz.fit_map import describe_fit_map, draw_fit_map, fit_map_tables, get_fit_map_info
from viz.label import TruthLabel
from viz.memory_stack import Term, describe_memory_stack, draw_memory_stack, get_memory_stack_info, memory_stack_tables
from viz.step_phases import describe_step_phases, draw_step_phases, get_step_phases_info, step_phases_tables

LABEL = TruthLabel("live")
STACK = get_memory_stack_info(
    "lora", {"weights": 2.0, "adapters": 0.0, "logits": 1.0}, (2.8, 3.6), 4.0, "a card", LABEL, {"weights": "n x 2"}, 3.4
)
EMPTY = get_memory_stack_info("nothing", {}, (0.0, 0.0), 4.0, "a card", LABEL)
MAP = get_fit_map_info((1, 2), (128, 256), [[1, 2], [3, 5]], [[2, 3], [4, 6]], [[3, 4], [6, 8]], 4.0, (1, 128), "a card", LABEL)
NO_MAP = get_fit_map_info((), (), [], [], [], 4.0, (1, 1), "a card", LABEL)


def test_terms_are_those_above_nothing_and_the_slack():
    assert STACK.terms[:2] == (Term("weights", 2.0, "n x 2"), Term("logits", 1.0, ""))
    assert STACK.terms[2].name == "slack" and STACK.terms[2].gib == pytest.approx(0.4)


def test_verdicts_come_from_the_interval():
    assert MAP.verdicts == ((0, 0), (1, 2))


@pytest.mark.parametrize("info", [STACK, EMPTY])
def test_stack_draws(info):
    figure = draw_memory_stack(info)
    assert figure.layout.xaxis.title.text == "GiB on one card"
    assert [t.name for t in figure.data][-1] == "90% interval" and len(figure.data) == len(info.terms) + 1
    assert "GiB" in describe_memory_stack(info) and len(memory_stack_tables(info)[0].rows) == len(info.terms)


@pytest.mark.parametrize("info", [MAP, NO_MAP])
def test_map_draws(info):
    figure = draw_fit_map(info)
    assert figure.layout.yaxis.title.text == "micro-batch"
    assert "What fits" in describe_fit_map(info) and len(fit_map_tables(info)[0].rows) == len(info.batches)


PHASES = {
    "at rest": {"weights": 2.0},
    "backward": {"weights": 2.0, "logits": 1.0, "adapters": 0.001},
    "step": {"weights": 2.0, "optimizer": 0.5},
}


def test_bars_stack_to_each_phase_and_the_peak_is_marked():
    info = get_step_phases_info("lora", PHASES, 4.0, "a card", LABEL)
    assert info.terms == ("weights", "logits", "adapters", "optimizer") and info.totals_gib == (2.0, 3.001, 2.5)
    figure = draw_step_phases(info)
    assert [bar.meta for bar in figure.data] == ["weights", "logits", "optimizer"], "what cannot be seen is left to the table"
    assert figure.layout.yaxis.title.text == "GiB on one card" and figure.layout.meta["kind"] == "live"
    marked = [note.x for note in figure.layout.annotations if "peak" in note.text]
    assert marked == ["backward"] and "The peak is in the phase backward" in describe_step_phases(info)
    assert step_phases_tables(info)[0].rows[1] == ("backward", 3.001, 2.0, 1.0, 0.001, 0.0)


def test_a_card_far_above_is_left_out_of_the_bars():
    far = draw_step_phases(get_step_phases_info("lora", PHASES, 80.0, "a card", LABEL))
    assert not far.layout.shapes and far.layout.yaxis.range[1] < 4
    with pytest.raises(ValueError, match="phases is empty"):
        get_step_phases_info("lora", {}, 80.0, "a card", LABEL)
