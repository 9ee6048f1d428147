"""Counting: the sums, and that what is drawn is to scale."""

from __future__ import annotations

import numpy as np
import pytest

from viz.counting import counting_tables, describe_counting, draw_counting, get_counting_info
from viz.label import truth_label
from viz.staircase import describe_staircase, draw_staircase, get_staircase_info, percent, staircase_tables

LABEL = truth_label("illustration")


def area(trace) -> float:
    return (max(trace.x) - min(trace.x)) * (max(trace.y) - min(trace.y))


def test_counting_is_to_scale() -> None:
    info = get_counting_info("Llama-2-7B", "q_proj", out=4096, in_=4096, rank=16, label=LABEL)
    assert (info.full, info.thin) == (16_777_216, 131_072)
    traces = {trace.meta: trace for trace in draw_counting(info).data}
    assert area(traces["W"]) == area(traces["ΔW"]) == info.full
    assert area(traces["B"]) + area(traces["A"]) == info.thin
    assert "128 times fewer" in describe_counting(info)
    assert [row[3] for row in counting_tables(info)[0].rows] == [16_777_216, 16_777_216, 65_536, 65_536]


def test_counting_refuses_a_rank_above_the_matrix() -> None:
    with pytest.raises(ValueError, match="rank=65"):
        get_counting_info("m", "q", out=64, in_=128, rank=65, label=LABEL)


def test_staircase_climbs_on_a_logarithmic_axis() -> None:
    methods = [("full", "full", 6_738_415_616), ("prompt, k = 10", "prompt", 40_960), ("LoRA, r = 16", "lora", 8_388_608)]
    info = get_staircase_info("Llama-2-7B", 6_738_415_616, methods, LABEL)
    assert [s.name for s in info.stairs] == ["prompt, k = 10", "LoRA, r = 16", "full"]
    figure = draw_staircase(info)
    assert figure.layout.xaxis.type == "log" and figure.layout.xaxis.range[0] < np.log10(100 * info.stairs[0].share)
    assert [bar.text[0].strip() for bar in figure.data] == ["0.00061% · 41K", "0.12% · 8.4M", "100% · 6.7B"]
    assert "0.00061%" in describe_staircase(info) and staircase_tables(info)[0].rows[-1][2] == 100
    with pytest.raises(ValueError, match="must be above zero"):
        get_staircase_info("m", 10, [("none", "none", 0)], LABEL)


@pytest.mark.parametrize(("share", "words"), [(1, "100%"), (0.0123, "1.2%"), (0.000012, "0.0012%"), (6.1e-6, "0.00061%"), (0.25, "25%")])
def test_percent_has_two_figures_and_no_powers(share: float, words: str) -> None:
    assert percent(share) == words
