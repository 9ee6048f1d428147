"""The calculator's charts: numbers first, then that every shape of them draws."""

from __future__ import annotations

import pytest

from viz.fit_map import describe_fit_map, draw_fit_map, fit_map_tables, get_fit_map_info
from viz.label import TruthLabel
from viz.memory_stack import Term, describe_memory_stack, draw_memory_stack, get_memory_stack_info, memory_stack_tables

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
