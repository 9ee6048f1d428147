"""The arena's page in all its states, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.catalog.defaults import default_spec
from engine.recorded import find_recording
from lessons.panels import arena_field
from lessons.panels.arena_match import choices
from lessons.text import say
from tests.lessons.arena_runs import LEARNER, NANO, SMOL, USUAL, contest, own, recorded


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    monkeypatch.setattr("lessons.arena.learner_id", lambda: LEARNER)


def _page() -> None:
    from lessons import arena

    arena.page()


def page(**address: str) -> AppTest:
    test = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        test.query_params[name] = value
    return settled(test.run())


def settled(test: AppTest) -> AppTest:
    assert not test.exception
    return test


def cards(test: AppTest) -> list[str]:
    """The base's card and the answers', as they stand."""
    return [html.proto.body for html in test.get("html") if "dl-said" in html.proto.body]


def words(test: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "success", "warning", "error")
    return "\n".join(element.value for kind in kinds for element in getattr(test, kind))


def picks(test: AppTest) -> list[str]:
    return [button.key for button in test.button if str(button.key).startswith("arena-pick-")]


def link(test: AppTest) -> dict[str, str]:
    return {key: value[0] if isinstance(value, list) else value for key, value in test.query_params.items()}


def test_it_is_filled_at_once_and_blind() -> None:
    test = page()
    assert link(test) == {"model": SMOL, "task": "pirate", "runs": ",".join(USUAL)}
    shown = cards(test)
    assert say("arena", "play.base") in shown[0] and len(shown) == 1 + len(contest()[0].said)
    assert not any(name in card for card in shown[1:] for name in ("LoRA", "prefix", "dl-mark")), "no name and no verdict"
    after = [f"{100 * one.result['score_after']:.0f}%" for one in recorded()]
    apart = sum(one.apart for one in contest())
    assert all(f"→ {score}" in words(test) for score in after) and "1.8%" in words(test) and f"On {apart} of 32 questions" in words(test)
    assert say("arena", "field.no_own") in words(test)


def test_a_choice_reveals_is_found_again_and_taken_back() -> None:
    test = page(round="2")
    before = [re.search(r'dl-said">(.*?)</block', card)[1] for card in cards(test)]
    settled(test.button(picks(test)[0]).click().run())
    after = cards(test)
    assert [re.search(r'dl-said">(.*?)</block', card)[1] for card in after] == before, "the order is kept"
    assert all("dl-mark" in card for card in after) and not picks(test)
    assert say("arena", "play.yours") in after[1] and "LoRA" in "".join(after[1:])
    assert f"**1** chosen, of {sum(one.differs for one in contest())} rounds" in words(test)
    again = page(round="2")
    assert cards(again) == after and not picks(again), "after a reload too"
    settled(again.button("arena-next").click().run())
    settled(again.button("arena-undo").click().run())
    assert picks(again) and say("arena", "tally.none") in words(again) and link(again)["round"] == "2", "back where it was made"


def test_none_can_be_chosen_and_one_can_start_over() -> None:
    test = page()
    assert contest()[0].right
    settled(test.button(picks(test)[-1]).click().run())
    assert "The scorer sees it differently" in words(test)
    settled(test.button("arena-next").click().run())
    assert link(test)["round"] == "2" and picks(test)
    settled(test.button("arena-anew").click().run())
    assert link(test)["round"] == "1" and say("arena", "tally.none") in words(test) and not choices(LEARNER, contest())


def test_names_at_once_stand_in_the_order_of_the_contenders() -> None:
    test = page(names="True", runs="full,prompt")
    one = contest(("full", "prompt"))[0]
    shown = [re.search(r"dl-who[^>]*>(.*?)</p>", card)[1] for card in cards(test)][1:]
    assert shown == ["full fine-tuning", "prompt tuning"][: len(one.said)] and "dl-mark" not in "".join(cards(test))
    settled(test.toggle("arena-names").set_value(False).run())
    assert "names" not in link(test) and "full fine-tuning" not in "".join(cards(test))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ({"round": "0"}, "round='0' is not a number from 1 to 32"),
        ({"round": "99"}, "round='99' is not a number from 1 to 32"),
        ({"round": "²"}, "round='²' is not a number"),
        ({"names": "yes"}, "names='yes' is neither True nor False"),
        ({"model": "gpt-9"}, "model='gpt-9' has no finished run here"),
        ({"runs": "nobody"}, "runs='nobody' names no finished run"),
    ],
)
def test_what_a_link_says_wrongly_gets_one_sentence_and_the_default(address, says) -> None:
    test = page(**address)
    assert len(test.warning) == 1 and says in test.warning[0].value
    assert len(cards(test)) > 2 and test.multiselect[0].value == list(USUAL)
    assert not test.run().warning, "the address was put right"


def test_the_address_follows_and_another_choice_begins_anew() -> None:
    test = page(round="9")
    assert link(test)["round"] == "9"
    settled(test.multiselect[0].set_value(["full", "prompt"]).run())
    assert link(test)["runs"] == "full,prompt" and "round" not in link(test)
    assert settled(test.run()).multiselect[0].value == ["full", "prompt"], "and it stays"
    settled(test.selectbox("arena-model").set_value(NANO).run())
    assert link(test)["model"] == NANO and link(test)["task"] == "stories" and len(cards(test)) > 2
    settled(test.selectbox(f"arena-task-{NANO}").set_value("endings").run())
    assert link(test)["runs"] == "lora-dpo,lora-rlhf" and say("arena", "curves.unlike") in words(test)
    settled(test.multiselect[0].set_value(["lora-dpo"]).run())
    assert say("arena", "page.more") in words(test) and not cards(test)


def test_an_own_run_stands_beside_recorded_ones() -> None:
    mine = own(default_spec(NANO, "stories", "lora", rank=4, seed=7))
    test = page(model=NANO, task="stories", runs=mine)
    assert test.multiselect[0].value == [mine, "qlora", "full"]
    table = next(text.value for text in test.markdown if text.value.startswith("|  |"))
    assert "LoRA (yours)" in table and "QLoRA (recorded)" in table and "live · " in table
    assert say("arena", "field.no_own") not in words(test)


def test_a_model_with_one_run_says_what_to_do() -> None:
    test = page(model=SMOL, task="instructions")
    assert say("arena", "page.lonely") in words(test) and not cards(test) and not test.header


def test_without_any_run_it_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr(arena_field, "_kept", lambda: ())
    test = page()
    assert say("arena", "page.nothing") in words(test) and not test.selectbox


def test_runs_that_were_asked_other_questions_do_not_meet() -> None:
    mine = own(default_spec(NANO, "stories", "lora", seed=1), find_recording(NANO, "endings", "lora", "dpo"))
    test = page(model=NANO, task="stories", runs=f"{mine},full")
    assert say("arena", "page.unlike") in words(test) and not cards(test)
