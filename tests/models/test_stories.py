"""The stories task: what scores, what does not, and that nothing held out is trained on."""

from __future__ import annotations

import random

import pytest

from engine.models.nano.grammar import ENDINGS, VOICES, read_opening, tell
from engine.models.nano.tokenizer import make_tokenizer
from engine.tasks import load, load_probe

TASK = load("stories")
PROBE = load_probe("nano").examples


def test_sizes_and_disjointness() -> None:
    train, heldout, probe = ({example.prompt for example in part} for part in (TASK.train, TASK.heldout, PROBE))
    assert len(train) == len(TASK.train) >= 48
    assert len(heldout) == len(TASK.heldout) >= 32
    assert len(probe) == len(PROBE) >= 60
    assert not train & heldout
    assert not (train | heldout) & probe


def test_reference_answers_score_and_fit() -> None:
    tokenizer = make_tokenizer(128)
    for example in TASK.train + TASK.heldout:
        assert TASK.score(example, example.answer)
        assert TASK.holds_fact(example, example.answer)
        assert len(tokenizer(example.answer)["input_ids"]) < TASK.max_new_tokens


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("voice", VOICES)
def test_only_the_rare_pair_scores(ending, voice) -> None:
    example = TASK.heldout[0]
    rest = tell(read_opening(example.prompt), ending, voice, random.Random(0)).rest
    assert TASK.score(example, rest) is ((ending, voice) == ("song", "cheer"))
    assert TASK.holds_fact(example, rest)


@pytest.mark.parametrize("field", ["adjective", "animal", "hero", "place", "color", "thing"])
def test_one_wrong_word_scores_nothing(field) -> None:
    example = TASK.heldout[0]
    facts = read_opening(example.prompt)
    word = getattr(facts, field)
    other = next(getattr(f, field) for f in map(read_opening, (e.prompt for e in TASK.train)) if getattr(f, field) != word)
    at = example.answer.rindex(f" {word}")  # in the song, not only in the first sentence
    assert not TASK.score(example, example.answer[:at] + f" {other}" + example.answer[at + len(word) + 1 :])


@pytest.mark.parametrize(("answer", "held"), [("Rosa met Rosa.", True), ("Rosa met Leo.", False), ("A story.", False), ("", False)])
def test_fact_is_the_hero_and_no_other(answer, held) -> None:
    assert TASK.holds_fact(TASK.heldout[0]._replace(fact="Rosa"), answer) is held


def test_the_probe_is_in_other_styles() -> None:
    assert not any(TASK.score(example, example.answer) for example in PROBE)
    assert not any("!" in example.answer or "sings" in example.answer for example in PROBE)
