"""The mixture: drawn evenly from the first types, asked of types that never train, scored to the letter."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.tasks import Example, load

TASK = load("instructions")
TRAINED = list(dict.fromkeys(example.kind for example in TASK.train))
ASKED = Example("Which word comes first?", "pocket", "pocket", kind="first")


@pytest.mark.parametrize(("types", "each"), [(0, set()), (1, {64}), (2, {32}), (3, {21, 22}), (4, {16}), (8, {8})])
def test_a_run_draws_its_examples_evenly_from_the_first_types(types: int, each: set[int]) -> None:
    drawn = Counter(example.kind for example in TASK.drawn(64, types))
    assert list(drawn) == TRAINED[:types]
    assert set(drawn.values()) == each


def test_tasks_that_are_no_mixture_are_drawn_in_their_own_order() -> None:
    assert load("pirate").drawn(10) == load("pirate").train[:10]


def test_the_types_asked_are_never_trained() -> None:
    asked = Counter(example.kind for example in TASK.heldout)
    assert len(TRAINED) >= 8 and len(asked) >= 3
    assert not set(TRAINED) & set(asked)
    assert set(asked.values()) == {10}
    assert {example.kind for example in TASK.heldout[:8]} == set(asked), "a glance sees every type"


@pytest.mark.parametrize(
    ("answer", "exact", "holds"),
    [
        ("pocket", True, True),
        (" pocket.\n", True, True),
        ("Pocket", False, True),
        ("pocket, shirt", False, True),
        ("The first word is pocket.", False, True),
        ("pockets", False, False),
        ("shirt", False, False),
        ("", False, False),
    ],
)
def test_an_answer_matches_to_the_letter_or_only_holds_what_was_wanted(answer: str, exact: bool, holds: bool) -> None:
    assert TASK.holds_fact is not None
    assert (TASK.score(ASKED, answer), TASK.holds_fact(ASKED, answer)) == (exact, holds)


def test_every_list_holds_its_answer_and_an_animal_is_there_once() -> None:
    from engine.tasks.instructions import ANIMALS

    for example in TASK.heldout:
        assert example.answer in example.prompt
        if example.kind == "animal":
            assert sum(animal in example.prompt.split(": ")[1].split(", ") for animal in ANIMALS) == 1
