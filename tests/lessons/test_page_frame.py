"""The course as data, the prose with its values and colours, and what is accepted as a learner's name."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons import arc, catalog
from lessons.stage import learner
from lessons.text import fill, label


def test_addresses_are_the_ones_that_links_rely_on() -> None:
    paths = [page.path for page in catalog.PAGES]
    assert paths == [
        "start",
        "full-fine-tuning",
        "lora",
        "qlora",
        "prompt-and-prefix",
        "frozen-head",
        "instruction-tuning",
        "rlhf-and-dpo",
        "choosing",
        "calculator",
        "arena",
        "practice",
        "runs",
        "record",
        "classroom",
        "gallery",
    ]
    assert list(arc.PARTS) == ["predict", "idea", "see", "run", "read", "claims", "break", "code", "quiz"]


def test_lessons_build_only_on_earlier_lessons() -> None:
    order = {page.path: place for place, page in enumerate(catalog.LESSONS)}
    assert all(order[need] < order[page.path] for page in catalog.LESSONS for need in page.needs)
    assert catalog.number("lora") == 3 and catalog.number("runs") is None and len(catalog.LESSONS) == 9
    with pytest.raises(KeyError, match="no page at 'nowhere'"):
        catalog.find("nowhere")


def test_every_lesson_leads_on() -> None:
    assert [page.path for page in catalog.onward("start")] == ["full-fine-tuning"]
    assert [page.path for page in catalog.onward("choosing")] == ["calculator", "arena", "practice"]


@pytest.mark.parametrize(
    ("cell", "home"),
    [
        (("full", "sft", "pirate"), "full-fine-tuning"),
        (("qlora", "sft", "facts"), "qlora"),
        (("prefix", "sft", "stories"), "prompt-and-prefix"),
        (("lora", "sft", "instructions"), "instruction-tuning"),
        (("lora", "dpo", "stories"), "rlhf-and-dpo"),
        (("head", "classify", "sentiment-json"), "frozen-head"),
        (("full", "classify", "sentiment-json"), "frozen-head"),
    ],
)
def test_a_run_opens_on_its_lesson(cell: tuple[str, str, str], home: str) -> None:
    assert catalog.page_of(*cell).path == home


def test_only_pages_that_exist_are_listed_in_order() -> None:
    places = [catalog.PAGES.index(page) for page in catalog.existing()]
    assert all(a < b for a, b in pairwise(places))
    assert "gallery" not in {page.module for page in catalog.existing() if page.module == "no_such_module"}


def test_prose_is_filled_and_coloured() -> None:
    assert fill("[[trainable|B]] has {{n}}", n=8) == '<span class="dl-word dl-trainable">B</span> has 8'
    assert fill("[[delta:ΔW|the change]]") == '<span class="dl-word dl-delta dl-part-ΔW">the change</span>'
    assert fill(r"$\frac{a}{r}$ and {single}") == r"$\frac{a}{r}$ and {single}"
    assert fill("{{n}} of 32") == f"{label('text.no_number')} of 32"
    with pytest.raises(KeyError, match="purple is not one of frozen"):
        fill("[[purple|x]]")


@given(st.text())
def test_values_never_become_html_or_markup(value: str) -> None:
    filled = fill("a {{v}} b", v=value)
    assert "<" not in filled and filled.startswith("a ") and filled.endswith(" b")


@pytest.mark.parametrize(
    ("value", "good"), [("0" * 32, True), ("a" * 31, False), ("g" * 32, False), ("../" + "0" * 29, False), (None, False)]
)
def test_only_the_form_we_gave_is_a_learner(value: str | None, good: bool) -> None:
    assert (learner._valid(value) is not None) == good
