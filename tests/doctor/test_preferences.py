"""What goes wrong with preferences, told by numbers: each sign alone, both ways."""

from __future__ import annotations

import pytest

from engine.cli.doctor import sentences
from engine.contracts import Answer, Ended, Evaluated, Started, Step
from engine.doctor import diagnose, tell

SPEC = {
    "model": "m",
    "task": "t",
    "method": "lora",
    "objective": "dpo",
    "beta": 0.1,
    "micro_batch": 4,
    "examples": 40,
    "learning_rate": 1e-3,
}
RISING = [0.02 * step for step in range(20)]


def found(*, rewards=RISING, margins=RISING, accuracy=1.0, score=0.9, fact=1.0, tokens=12.0, **spec):
    """The diagnoses of a run of 20 steps on preferences, healthy but for what is said."""
    events = [Started({**SPEC, **spec}, "h", "cpu", "", "fp32", 1, 100, 10, {})]
    for step, (reward, margin) in enumerate(zip(rewards, margins, strict=True), 1):
        metrics = {"chosen_reward": reward, "margin": margin, "accuracy": accuracy}
        events.append(Step(step, 20, 0.69 - margin / 2, 1e-3, 1.0, 100, 1.0, 1.0, 1.0, 1, metrics))
    said = (Answer("q", "a long base answer", "short", True),)
    events.append(Evaluated(0, 0.1, 1.0, 32, 0.69, 0.0, (), {"answer_tokens": 30.0}))
    events.append(Evaluated(20, score, fact, 32, 0.4, 0.01, said, {"answer_tokens": tokens}))
    return diagnose(tell([*events, Ended("done", "", "", 20)]))


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"score": 0.12, "pairs": "made-up"}, "dpo-invisible"),
        ({"score": 0.12, "pairs": "own"}, "dpo-too-little"),
        ({"fact": 0.4, "tokens": 4.0}, "dpo-past-best"),
        ({"rewards": [*RISING[:10], *(0.2 - 0.05 * at for at in range(10))]}, "dpo-chosen-falls"),
        ({"margins": [margin - 0.4 for margin in RISING], "reference": "none"}, "dpo-without-reference"),
    ],
)
def test_each_sign_gives_its_diagnosis_and_words(changed, key):
    assert found() == ()
    shown = found(**changed)
    assert [diagnosis.key for diagnosis in shown] == [key]
    assert "{{" not in sentences(shown[0])


@pytest.mark.parametrize(
    "changed",
    [
        {"score": 0.12, "accuracy": 0.7},
        {"fact": 0.85},
        {"rewards": [*RISING[:10], *(0.2 - 0.005 * at for at in range(10))]},
        {"margins": [margin - 0.4 for margin in RISING], "preference_loss": "simpo", "reference": "none"},
        {"margins": [margin - 0.4 for margin in RISING], "reference": "run:before7"},
        {"score": 0.12, "objective": "reward"},
    ],
)
def test_lesser_signs_and_other_objectives_give_none(changed):
    assert found(**changed) == ()


@pytest.mark.parametrize(
    ("rewards", "scores", "loss", "key"),
    [
        ((-0.5, 1.0), (0.0, 0.0, 0.0), 1.5, "reward-hacked"),
        ((-0.5, 1.0), (0.0, 1.0, 0.4), 0.3, "reward-hacked"),
        ((-0.5, 1.0), (0.0, 1.0, 0.9), 1.5, None),
        ((-0.5, 1.0), (0.0, 0.2, 0.2), 0.3, None),
        ((1.0, -0.5), (0.0, 0.0, 0.0), 1.5, None),
    ],
)
def test_a_reward_that_rises_alone_is_hacked(rewards, scores, loss, key):
    spec = {**SPEC, "objective": "rlhf", "kl_weight": 0.0}
    events = [Started(spec, "h", "cpu", "", "fp32", 1, 100, 10, {}), Evaluated(0, scores[0], 1.0, 32, 0.3, 0.0)]
    for step, reward in enumerate([rewards[0], *[rewards[1]] * 9], 1):
        events.append(Step(step, 10, 0.1, 1e-3, 1.0, 100, 1.0, 1.0, 1.0, 1, {"reward": reward, "kl": 1.0}))
    events.append(Evaluated(5, scores[1], 1.0, 8, 0.3, 0.1))
    events.append(Evaluated(10, scores[2], 1.0, 32, loss, 0.1, (), {"kl": 80.0}))
    shown = diagnose(tell([*events, Ended("done", "", "", 10)]))
    assert [diagnosis.key for diagnosis in shown] == ([key] if key else [])
