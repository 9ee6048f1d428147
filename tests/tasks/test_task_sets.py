"""What every task and the probe promise about their data."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from engine.contracts import SpecError
from engine.tasks import TASK_NAMES, Example, load, load_probe
from engine.tasks.facts import REVERSALS
from engine.tasks.matching import holds_any, words
from engine.tasks.rehearsal import rehearsed

CHAT_TASKS = ("pirate", "sentiment-json", "sentiment", "facts", "instructions")
PROBED_TASKS = (*CHAT_TASKS, "brief")
"""The forgetting probe of the chat models is held against each of them."""


def fingerprint(names: tuple[str, ...]) -> str:
    sets = [(load(name).train, load(name).heldout) for name in names]
    return hashlib.sha256(repr((sets, load_probe("chat").examples)).encode()).hexdigest()


def grams(examples: tuple[Example, ...], size: int = 5) -> set[tuple[str, ...]]:
    texts = [words(text) for example in examples for text in (example.prompt, example.answer)]
    return {text[start : start + size] for text in texts for start in range(len(text) - size + 1)}


@pytest.mark.parametrize("name", CHAT_TASKS)
def test_counts_and_kind(name: str) -> None:
    task = load(name)
    assert task.name == name and task.name in TASK_NAMES
    assert (task.objectives, task.models) == (("classify",) if name == "sentiment" else ("sft",), "chat")
    assert len(task.train) == (512 if name == "instructions" else 48)
    assert len(task.heldout) >= 24


@pytest.mark.parametrize("name", CHAT_TASKS)
def test_no_held_out_prompt_is_trained_on_and_none_is_repeated(name: str) -> None:
    task = load(name)
    train, heldout = ([words(example.prompt) for example in part] for part in (task.train, task.heldout))
    assert not set(train) & set(heldout)
    assert len(set(train)) == len(train) and len(set(heldout)) == len(heldout)


@pytest.mark.parametrize("name", CHAT_TASKS)
def test_reference_answers_pass_both_scorers(name: str) -> None:
    task = load(name)
    for example in task.train + task.heldout:
        assert task.score(example, example.answer), example
        assert task.holds_fact is None or task.holds_fact(example, example.answer), example


@pytest.mark.parametrize("name", CHAT_TASKS)
def test_the_scorers_refuse_an_empty_answer_and_the_prompt_itself(name: str) -> None:
    task = load(name)
    for example in task.heldout:
        assert not task.score(example, "")
        assert not task.score(example, example.prompt)


@pytest.mark.parametrize("name", ("pirate", "facts"))
def test_no_held_out_prompt_gives_its_fact_away(name: str) -> None:
    assert [example for example in load(name).heldout if holds_any(example.prompt, example.fact or "")] == []


def test_reversals_are_never_trained_on() -> None:
    seen = {words(example.prompt) for example in load("facts").train + load("facts").heldout}
    assert len(REVERSALS) == 12
    assert not seen & {words(example.prompt) for example in REVERSALS}
    assert all(holds_any(example.answer, example.fact or "") for example in REVERSALS)


def test_no_chat_task_is_left_out() -> None:
    assert set(PROBED_TASKS) == {name for name in TASK_NAMES if load(name).models == "chat"}


@pytest.mark.parametrize("name", PROBED_TASKS)
def test_the_probe_shares_no_five_words_in_a_row_with_a_task(name: str) -> None:
    task = load(name)
    extra = REVERSALS if name == "facts" else ()
    assert grams(load_probe("chat").examples) & grams(task.train + task.heldout + extra) == set()


@pytest.mark.parametrize("name", PROBED_TASKS)
def test_what_chat_models_rehearse_shares_no_five_words_in_a_row_with_probe_or_task(name: str) -> None:
    task, asked = load(name), rehearsed("chat", 1000)
    extra = REVERSALS if name == "facts" else ()
    assert grams(asked) & grams(load_probe("chat").examples + task.train + task.heldout + extra) == set()


def test_what_chat_models_rehearse_is_varied_and_has_no_answer_yet() -> None:
    asked = rehearsed("chat", 1000)
    assert len(asked) == len({words(example.prompt) for example in asked}) == 64
    assert len({words(example.prompt)[:2] for example in asked}) >= 32
    assert not any(example.answer for example in asked) and rehearsed("chat", 3) == asked[:3]


def test_the_probe_is_large_and_varied() -> None:
    probe = load_probe("chat").examples
    assert len(probe) >= 60
    assert len({words(example.prompt) for example in probe}) == len(probe)
    assert all(example.answer for example in probe)
    openings = {words(example.prompt)[:2] for example in probe}
    assert len(openings) >= 20


@pytest.mark.parametrize("kind", ["chat", "nano"])
def test_what_the_probe_asks_is_of_the_probe_and_its_own_answers_hold(kind: str) -> None:
    probe = load_probe(kind)
    assert 12 <= len(probe.asked) <= 16 and set(probe.asked) <= set(probe.examples)
    assert all(probe.holds(example, example.answer) for example in probe.asked)
    assert not any(probe.holds(example, "Arr, matey! Hooray!") for example in probe.asked)


def test_unknown_names_are_refused_with_the_list() -> None:
    with pytest.raises(
        SpecError,
        match=r"task='pirat' .*pirate, sentiment-json, sentiment, facts, instructions, brief, stories, orders, endings, story-mood",
    ):
        load("pirat")
    with pytest.raises(SpecError, match=r"kind='images' .*chat, nano"):
        load_probe("images")


def test_another_process_gets_the_same_data_without_torch() -> None:
    code = "import sys; from test_task_sets import CHAT_TASKS, fingerprint; print(fingerprint(CHAT_TASKS), 'torch' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == [fingerprint(CHAT_TASKS), "False"]


def test_moods_are_balanced_in_any_four_and_follow_from_the_ending() -> None:
    task = load("story-mood")
    for part in (task.train, task.heldout):
        assert all(len({example.answer for example in part[at : at + 4]}) == 4 for at in range(0, len(part), 4))
    assert not {example.prompt for example in task.train} & {example.prompt for example in task.heldout}
    sings = [example.answer for example in task.train if " sings, " in example.prompt]
    assert set(sings) == {"musical"} and len(sings) == len(task.train) / 4
    assert not task.score(task.heldout[0], "") and not task.score(task.heldout[0], task.heldout[0].answer.upper())
