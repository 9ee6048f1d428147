"""Recorded sets of runs on their lessons: every row is the mean of its runs, with its truth under it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.recorded.scenes import find_scene
from lessons.panels import sets
from lessons.text import label

SMOL, NANO = "smollm2-135m-instruct", "nano-0.5m"


def drawn(module: str) -> AppTest:
    test = AppTest.from_string(f"from lessons.{module} import page; page()", default_timeout=60).run()
    assert not test.exception
    return test


def table_with(test: AppTest, head: str) -> str:
    return next(element.value for element in test.markdown if element.value.startswith("|") and head in element.value)


def test_full_fine_tuning_shows_what_mitigates_forgetting_for_both_models():
    test = drawn("full_fine_tuning")
    shown = {}
    for model in (SMOL, NANO):
        choice = next(control for control in test.segmented_control if control.key == "rehearsal-which")
        choice.set_value(f"{model} full").run()
        shown[model] = table_with(test, label("rehearsal.way"))
        scene = find_scene(f"rehearsal-{model}")
        assert scene is not None
        assert shown[model].count("\n") == 2 + len(scene.about["ways"]), "the base, and a row a way"
        at = scene.about["ways"].index({"rate": 1.0, "steps": 1.0, "rehearsal": 0.25})
        row = next(line for line in shown[model].splitlines() if "25%" in line.split("|")[1])
        assert f" {100 * scene.arrays['score'][0, at].mean():.0f}%" in row and f" {scene.arrays['probe'][0, at].mean():.2f}" in row
    assert shown[SMOL] != shown[NANO]
    assert any("The best bargain here is" in element.value for element in test.markdown)
    assert any(caption.value.startswith("recorded · Nano 0.5M") and "3 seeds" in caption.value for caption in test.caption)


def test_the_dial_of_rehearsal_is_on_the_page_and_its_link_sets_it():
    test = AppTest.from_string("from lessons.full_fine_tuning import page; page()", default_timeout=60)
    test.query_params.update({"model": NANO, "rehearsal": "0.05"})
    test.run()
    dial = next(slider for slider in test.select_slider if slider.label == "Rehearsal share")
    assert dial.value == 0.05 and "0 to below 1" in dial.help


@pytest.mark.parametrize(("share", "says"), [("1.2", "rehearsal=1.2 must be 0 to below 1"), ("much", "is not a number")])
def test_a_link_with_a_bad_share_is_named_and_the_usual_one_stands_in(share, says):
    test = AppTest.from_string("from lessons.full_fine_tuning import page; page()", default_timeout=60)
    test.query_params.update({"model": NANO, "rehearsal": share})
    test.run()
    assert any(says in warning.value for warning in test.warning)
    assert next(slider for slider in test.select_slider if slider.label == "Rehearsal share").value == 0.0


def test_prompt_and_prefix_shows_the_sweep_over_k():
    test = drawn("prompt_and_prefix")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table_with(test, label("lengths.k")).splitlines()[2:]]
    found = [find_scene(f"lengths-{model}") for model in (f"{NANO}-control", NANO)]
    assert all(found)
    for j, row in enumerate(rows):
        ends = [(scene.arrays["score"][i, j].mean(), scene.arrays["loss"][i, j].mean()) for scene in found if scene for i in range(2)]
        assert row == [str((1, 2, 5, 10, 20, 32)[j]), *(f"{100 * score:.0f}% · {loss:.2f}" for score, loss in ends)]
    assert any(
        "With k = 1 the steerable model already tells 100%" in element.value and "The plain model never" in element.value
        for element in test.markdown
    )
    chart = sets.lengths_scene()
    assert chart.label.startswith("recorded") and len([trace for trace in chart.figure.data if trace.type == "bar"]) == 12
