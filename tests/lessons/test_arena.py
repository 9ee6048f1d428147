"""The arena without its page: who meets, what a link asks for, rounds, choices, and numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.contracts import Answer, Evaluated
from engine.recorded import find_recording
from engine.store import answers, record
from lessons.panels import arena_choice, arena_match, arena_numbers
from lessons.panels.arena_field import field, names, story, title
from lessons.panels.arena_match import Round, Said, choices, keep, rounds, tally
from lessons.panels.arena_play import _card, _choose
from lessons.text import label
from quizzes.stored import StoreLog
from tests.lessons.arena_runs import LEARNER, NANO, SMOL, USUAL, contest, own, recorded
from viz.label import TruthLabel


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))


# Who meets


def test_own_runs_come_first_broken_ones_last_and_reward_models_not_at_all() -> None:
    broken = own(default_spec(NANO, "stories", "lora", fault="adapter-off"))
    fine = own(default_spec(NANO, "stories", "full", steps=40))
    own(default_spec(NANO, "endings", "lora", objective="reward"))
    jobs.submit(default_spec(NANO, "stories", "qlora"))  # waits, and has not finished
    assert [contender.key for contender in field()[NANO, "stories"]] == [fine, "lora", "qlora", "full", broken]
    assert [contender.key for contender in field()[NANO, "endings"]] == ["lora-dpo", "lora-rlhf"]


def test_a_line_tells_whose_when_dials_and_seed() -> None:
    run_id = own(default_spec(NANO, "stories", "lora", rank=4, seed=7))
    mine, kept = (next(c for c in field()[NANO, "stories"] if c.key == key) for key in (run_id, "lora"))
    assert re.fullmatch(r"LoRA · live · \d+ \w+ \d{4}, \d\d:\d\d · Rank r 4 · seed 7", title(mine))
    assert title(kept) == "LoRA · recorded · 28 Nov 2026 · usual dials · seed 0"


def test_short_names_are_alone() -> None:
    twins = [own(default_spec(NANO, "stories", "lora", seed=seed)) for seed in (1, 2)]
    chosen = [c for c in field()[NANO, "stories"] if c.key in (*twins, "lora")]
    assert sorted(names(chosen).values()) == ["LoRA (recorded)", "LoRA (yours) 1", "LoRA (yours) 2"]
    assert list(names(recorded()).values()) == ["LoRA", "QLoRA", "prefix tuning"]
    assert list(names(recorded(("lora-dpo", "lora-rlhf"), NANO, "endings")).values()) == ["LoRA, DPO", "LoRA, RLHF"]


def test_a_choice_is_filled_up_with_other_methods() -> None:
    mine = own(default_spec(NANO, "stories", "lora", seed=1))
    present = field()[NANO, "stories"]
    assert arena_choice.fill_up(present) == (mine, "qlora", "full")
    assert arena_choice.fill_up(present, ("full",)) == ("full", mine, "qlora")
    assert arena_choice.fill_up(present, ("full", "lora")) == ("full", "lora"), "two are a comparison"
    same = [contender for contender in present if contender.spec.method == "lora"]
    assert arena_choice.fill_up(same) == (mine, "lora"), "a method twice before there is nobody to meet"


@pytest.mark.parametrize(
    ("query", "says", "choice"),
    [
        ({}, None, (SMOL, "pirate", USUAL)),
        ({"model": "gpt-9"}, "model='gpt-9' has no finished run here", (SMOL, "pirate", USUAL)),
        ({"model": NANO, "task": "pirate"}, f"task='pirate' has no finished run with {NANO} here", (NANO, "stories", ("lora", "qlora", "full"))),
        ({"runs": "full,../etc,prompt"}, "runs='../etc' names no finished run", (SMOL, "pirate", ("full", "prompt"))),
        ({"runs": "lora-reward"}, "runs='lora-reward' names no finished run", (SMOL, "pirate", USUAL)),
        ({"runs": "lora,qlora,prefix,prompt,full"}, "names more than 4 runs", (SMOL, "pirate", ("lora", "qlora", "prefix", "prompt"))),
        ({"runs": "full,full,lora"}, None, (SMOL, "pirate", ("full", "lora"))),
        ({"runs": ",,"}, None, (SMOL, "pirate", USUAL)),
    ],
)  # fmt: skip
def test_an_address_is_read_and_what_is_wrong_in_it_named(query, says, choice) -> None:
    read, problems = arena_choice.read_link(query, field())
    assert tuple(read) == choice
    assert len(problems) == (says is not None) and all(says in problem for problem in problems)


# Rounds


def test_every_answer_stands_once_and_verdicts_are_the_scorer_s() -> None:
    given = {contender.key: {a.prompt: a for a in story(contender).latest.answers} for contender in recorded()}
    found = contest()
    assert len(found) == 32 and len({one.id for one in found}) == 32
    for one in found:
        assert sorted(key for said in one.said for key in said.by) == sorted(USUAL)
        for said in one.said:
            assert all(given[key][one.prompt].tuned == said.text for key in said.by)
        assert set(one.right) == {key for key in USUAL if given[key][one.prompt].good and given[key][one.prompt].fact}
    assert [one.differs for one in found] == sorted((one.differs for one in found), reverse=True), "nothing to choose comes last"
    assert 0 < sum(one.apart for one in found) < sum(one.differs for one in found) < 32


def test_an_answer_in_style_without_its_fact_is_not_as_the_task_asks() -> None:
    assert Said("arr", ("a",), True, None).right and Said("arr", ("a",), True, True).right
    assert not Said("arr", ("a",), True, False).right and not Said("Paris", ("a",), False, True).right


def test_the_order_is_kept_and_tells_nothing() -> None:
    first, again = contest(), contest()
    assert [one.shuffled() for one in first] == [one.shuffled() for one in again]
    moved = [one for one in first if one.differs and one.shuffled() != one.said]
    assert 4 < len(moved) < sum(one.differs for one in first) - 4
    other = contest(("lora", "qlora", "full"))
    assert not {one.id for one in first} & {one.id for one in other}, "other contenders, another contest"
    assert {one.id for one in contest(USUAL[::-1])} == {one.id for one in first}, "in any order they are the same"


def test_the_base_shown_is_the_whole_one_and_another_is_told() -> None:
    (one,) = [one for one in contest(("qlora", "lora")) if one.prompt == "What is the capital of France?"]
    assert one.base.tuned == "The capital of France is Paris." and one.base.fact
    assert list(one.other_bases) == ["qlora"] and one.other_bases["qlora"].startswith("The capital of France is Paris, also")


def test_only_questions_that_all_were_asked(monkeypatch) -> None:
    kept = find_recording(NANO, "stories", "lora")
    shorter = [
        Evaluated(e.step, e.score, e.fact_score, 5, e.loss, e.drift, e.answers[:5]) if isinstance(e, Evaluated) else e for e in kept.events
    ]
    mine = own(default_spec(NANO, "stories", "lora", seed=1), kept._replace(events=tuple(shorter)))
    chosen = [c for c in field()[NANO, "stories"] if c.key in (mine, "full")]
    monkeypatch.setattr("lessons.panels.current.st.session_state", {})
    assert len(rounds(chosen, {contender.key: story(contender) for contender in chosen})) == 5


A, B = Said("x", ("a",), True, None), Said("y", ("b",), False, None)


def a_round(*said: Said) -> Round:
    return Round(f"arena-{said}", "?", Answer("?", "", "", False), {}, said)


@pytest.mark.parametrize(
    ("said", "best", "agrees"),
    [((A, B), ("a",), True), ((A, B), ("b",), False), ((A, B), (), False), ((B,), (), True), ((B,), ("b",), False), ((A,), ("a",), True)],
)
def test_agreement(said, best, agrees) -> None:
    assert a_round(*said).agrees(best) == agrees


def test_choices_are_kept_taken_back_and_leave_the_quiz_alone() -> None:
    found = contest()
    keep(LEARNER, found[0], found[0].said[0].by)
    keep(LEARNER, found[1], ())
    keep("1" * 32, found[2], ())
    made = choices(LEARNER, found)
    assert list(made) == [found[0].id, found[1].id] and made[found[1].id].chosen == {"best": []}
    assert choices(LEARNER, contest(("lora", "full"))) == {} and choices(None, found) == {}
    assert not StoreLog().load(LEARNER), "no row of the arena counts as a question practised"
    assert len(record.everything(LEARNER)["answers"]) == 2, "they are part of the record that one takes along"
    arena_match.take_back(LEARNER, list(made.values())[-1:])
    assert list(choices(LEARNER, found)) == [found[0].id]
    assert len(answers.history(LEARNER, undone=True)) == 2, "taken back, not erased"


def test_the_tally_counts_agreement_only_where_an_eye_can_err() -> None:
    easy, told_apart, hopeless = a_round(A), a_round(A, B), a_round(B)
    for one, best in ((easy, ("a",)), (told_apart, ("b",)), (hopeless, ())):
        keep(LEARNER, one, best)
    found = tally([easy, told_apart, hopeless], choices(LEARNER, [easy, told_apart, hopeless]))
    assert (found.chosen, found.apart, found.agreed, found.none) == (3, 2, 1, 1)
    assert sorted(found.preferred) == [("a", 1), ("b", 1)]


def test_a_second_click_changes_nothing() -> None:
    one = contest()[0]
    for best in (one.said[0].by, ()):
        _choose(LEARNER, one, best)
    assert choices(LEARNER, [one])[one.id].chosen == {"best": list(one.said[0].by)}


def test_what_a_model_said_is_text() -> None:
    assert "<script>" not in _card("LoRA", "<script>alert(1)</script>", "", "dl-base")
    assert label("answers.nothing") in _card("LoRA", "", "", "dl-base")


# Numbers


def test_a_full_fine_tuning_that_left_nothing_would_have_left_its_weights() -> None:
    full, lora = recorded(("full", "lora"))
    assert not full.result["artifact_bytes"]
    bytes_each = {"bf16": 2, "fp32": 4}[full.result["dtype"]]
    assert arena_numbers.stored_bytes(full.result) == bytes_each * full.result["total_params"] > 2e8
    assert arena_numbers.stored_bytes(lora.result) == lora.result["artifact_bytes"]
    assert "had it been kept" in arena_numbers.ROWS["stored"](full) and arena_numbers.ROWS["stored"](lora) == "9.83 MB"


def test_every_bar_of_every_recorded_run_can_be_drawn() -> None:
    for present in field().values():
        for contender in present:
            for value, log in arena_numbers.BARS.values():
                found = value(contender.result)
                assert found is None or not log or found > 0


def test_a_picture_with_an_own_run_is_live() -> None:
    mine = own(default_spec(NANO, "stories", "lora", seed=3))
    chosen = field()[NANO, "stories"]
    assert arena_numbers.truth_of(chosen)[::2] == ("live", None)
    assert arena_numbers.truth_of([c for c in chosen if c.key == mine])[::2] == ("live", 3)
    assert arena_numbers.truth_of(recorded()) == TruthLabel("recorded", max(contender.truth.day for contender in recorded()), 0)
