"""RunSpec: what it accepts, what it says to what it refuses, and that JSON and hash are stable."""

from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.defaults import default_spec
from engine.contracts import CELLS, METHODS, RunSpec, SpecError

LORA = {"rank": 8, "alpha": 16.0, "targets": "all-linear", "dropout": 0.0}


def lora(**changes) -> RunSpec:
    return RunSpec(**{"model": "nano-0.1m", "task": "stories", **LORA, **changes})


def test_json_there_and_back():
    spec = lora(learning_rate=3e-4, seed=7)
    assert RunSpec.from_json(spec.to_json()) == spec
    assert RunSpec.from_json(spec.to_json(indent=2)).hash == spec.hash


def test_hash_is_fixed_across_versions_of_this_program():
    assert lora().hash == "6c0b9229b498667d"


def test_equal_numbers_give_equal_hashes():
    assert lora(alpha=16).hash == lora(alpha=16.0).hash
    assert lora(learning_rate=1).hash == lora(learning_rate=1.0).hash


def test_every_field_changes_the_hash():
    other = {
        "model": "nano-2m", "task": "pirate", "rank": 4, "alpha": 8.0, "targets": "q,v", "dropout": 0.1, "learning_rate": 1e-2,
        "steps": 3, "micro_batch": 2, "examples": 9, "eval_every": 1, "seed": 1, "dtype": "fp32",
    }  # fmt: skip
    hashes = {lora(**{name: value}).hash for name, value in other.items()}
    assert len(hashes | {lora().hash}) == len(other) + 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rank": 0}, "rank=0 must be at least 1; use 8"),
        ({"rank": True}, "rank=True must be of type int"),
        ({"rank": "8"}, "rank='8' must be of type int"),
        ({"rank": None}, "rank is missing; method lora needs"),
        ({"alpha": 0.0}, "alpha=0.0 must be above 0"),
        ({"alpha": float("inf")}, "alpha=inf must be a finite number"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be above 0"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0 must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan must be a finite number"),
        ({"dropout": 1.0}, "dropout=1.0 must be 0 to below 1"),
        ({"rehearsal": 1.2}, "rehearsal=1.2 must be 0 to below 1; use 0.25"),
        ({"rehearsal": 1.0}, "rehearsal=1.0 must be 0 to below 1"),
        ({"rehearsal": -0.1}, "rehearsal=-0.1 must be 0 to below 1"),
        ({"rehearsal": float("nan")}, "rehearsal=nan must be a finite number"),
        ({"rehearsal": "a little"}, "rehearsal='a little' must be of type int or float"),
        ({"steps": 0}, "steps=0 must be 1 to"),
        ({"seed": -1}, "seed=-1 must be 0 to"),
        ({"dtype": "fp8"}, "dtype='fp8' is not one of auto, fp32, bf16"),
        ({"method": "magic"}, "method='magic' is not one of full, lora"),
        ({"targets": "q;rm"}, "targets='q;rm' must be one of"),
        ({"method": "full"}, "rank=8 belongs to method lora or qlora; leave it out for method full"),
        ({"model": " "}, "model=' ' must name a model"),
    ],
)
def test_refusals_name_field_value_and_remedy(changes, says):
    with pytest.raises(SpecError, match=says.replace("(", r"\(")):
        lora(**changes)


def test_all_problems_are_said_at_once():
    with pytest.raises(SpecError) as caught:
        lora(rank=0, steps=0, learning_rate=-1.0)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "the spec is not JSON"),
        ("[1]", "a spec is a JSON object, not list"),
        ('{"model": "a"}', "task is missing"),
        ('{"model": "a", "task": "b", "method": "full", "speed": 3}', "speed='3' is not a field"),
        ('{"model": "a", "task": "b", "version": 99}', "version=99 is newer than this program's 1; update"),
        ("[" * 100_000, "the spec is not JSON"),
    ],
)
def test_bad_json_is_refused_in_a_sentence(text, says):
    with pytest.raises(SpecError, match=says):
        RunSpec.from_json(text)


def test_frozen():
    with pytest.raises(FrozenInstanceError):
        lora().rank = 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([f.name for f in fields(RunSpec)]) | st.text(max_size=8), json_values, max_size=18))
def test_any_object_makes_a_spec_or_a_sentence(data):
    try:
        spec = RunSpec.from_dict(data)
    except SpecError as error:
        assert error.problems
    else:
        assert RunSpec.from_json(spec.to_json()) == spec


@given(st.text() | st.binary(max_size=60))
def test_any_text_makes_a_spec_or_a_sentence(text):
    try:
        RunSpec.from_json(text)
    except SpecError as error:
        assert str(error)


@pytest.mark.parametrize("objective", CELLS)
@pytest.mark.parametrize("method", METHODS)
def test_a_cell_has_defaults_exactly_where_it_makes_sense(objective, method):
    if method in CELLS[objective]:
        spec = default_spec("nano-0.1m", "stories", method, objective=objective)
        assert RunSpec.from_json(spec.to_json()) == spec
    else:
        with pytest.raises(SpecError, match=f"method={method} does not go with objective={objective}; {objective} goes with"):
            default_spec("nano-0.1m", "stories", method, objective=objective)


def test_a_field_of_another_cell_is_refused_and_one_left_out_is_as_usual():
    with pytest.raises(SpecError, match="beta=0.1 belongs to objective dpo; leave it out for objective sft"):
        lora(beta=0.1)
    with pytest.raises(SpecError, match="pairs is missing; objective dpo needs"):
        lora(objective="dpo", beta=0.1)
    with pytest.raises(SpecError, match="rehearsal=0.1 belongs to objective sft; leave it out for objective dpo"):
        lora(objective="dpo", pairs="own", beta=0.1, rehearsal=0.1)
    assert lora(rehearsal=0).hash == lora(rehearsal=None).hash == lora().hash != lora(rehearsal=0.1).hash
    assert lora(scaling="standard").hash == lora().hash != lora(scaling="rslora").hash
    assert lora().scaling == "standard"
