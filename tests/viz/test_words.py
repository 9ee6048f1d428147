"""Words of the charts: filled in, never half of them, and a word for each name that the calculator gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.planner.memory import TERMS
from viz import words
from viz.words import filled, find, heads, named, say, table

FOLDER = Path(words.__file__).parent


def test_values_are_filled_in_as_they_are() -> None:
    assert filled("{{a}} of {{b}}, {c}", {"a": 1, "b": "<b>", "c": 2}) == "1 of <b>, {c}"
    with pytest.raises(KeyError, match="b"):
        filled("{{a}} of {{b}}", {"a": 1})
    with pytest.raises(KeyError, match="nothing"):
        say("loss_curve.nothing")


def test_a_list_of_heads_is_a_row() -> None:
    assert heads("loss_curve.columns") == ("step", "loss, nats")


def test_the_calculators_terms_have_words_and_other_names_stay() -> None:
    assert set(TERMS) <= table()["terms"].keys() and {"forward", "backward", "step"} <= table()["phases"].keys()
    assert named("terms", "quant_constants") == "quant constants" and named("terms", "a_new_term") == "a new term"


def test_every_chart_has_its_table_and_every_word_that_code_names_is_there() -> None:
    files = {file.stem: file.read_text("utf-8") for file in FOLDER.glob("*.py")}
    assert set(table()) - {"shared", "terms", "phases"} <= files.keys()
    asked = {key for text in files.values() for key in re.findall(r'(?:say|heads)\([f]?"([\w.]+)"', text)}
    assert len(asked) > 200 and all(find(table(), key) for key in asked)
    whole = "\n".join(files.values())
    unused = {f"{name}.{key}" for name, part in table().items() for key in part if f"{name}.{key}" not in whole}
    dynamic = {name.partition("{")[0] for name in re.findall(r'f"([a-z_0-9]+\.\w*\{)', whole)}
    assert {key for key in unused if not key.startswith(("terms.", "phases.", *dynamic))} == set()
