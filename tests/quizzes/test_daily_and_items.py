from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import correlation

import pytest

from quizzes import bank, progress
from quizzes.answers import Answer, seed_for
from quizzes.clock import day_of
from quizzes.daily import DAILY_CAP, NEW_CAP, mixed, today
from quizzes.items import items, point_biserial, spread, worst
from quizzes.lint import names_of
from quizzes.schedule import schedule
from quizzes.sitting import Moment, answer_row, is_over, note_row, repeats, sitting, undo_row
from quizzes.variants import variant

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
QUESTIONS = dict(bank.questions())


def answer(number: int, question: str, right: bool, learner: str = "ada", at: datetime = START, **changes) -> Answer:
    chosen = {"picked": changes.pop("picked", ["a"]), "right": right, "shows": changes.pop("shows", [])}
    at = at + timedelta(seconds=number)
    how = {"credit": float(right), "confidence": "sure", "hints": 0, "seconds": 5.0, "page": "/practice", "tries": 0} | changes
    return Answer(id=f"{number:08d}", learner=learner, question=question, seed=0, chosen=chosen, at=at, day=day_of(at, "UTC"), **how)


def test_the_first_day_opens_with_the_classic_four_and_mixes_lessons():
    plan = today(QUESTIONS, schedule((), START), (), START, "UTC")
    assert len(plan.queue) == NEW_CAP and all(due.new for due in plan.queue)
    assert {due.question for due in plan.queue} >= {"lora-key-insight", "full-why-impractical", "prompt-what-is-modified", "rlhf-what-for"}
    lessons = [QUESTIONS[due.question].lesson for due in plan.queue]
    assert all(one != other for one, other in zip(lessons, lessons[1:], strict=False))


def test_the_day_is_capped_and_says_what_waits():
    rows = [answer(n, name, False) for n, name in enumerate(QUESTIONS)]
    later = START + timedelta(days=30)
    plan = today(QUESTIONS, schedule(rows, later), (), later, "UTC")
    assert len(plan.queue) == DAILY_CAP and plan.waiting == len(QUESTIONS) - DAILY_CAP
    assert not any(due.new for due in plan.queue)


def test_answered_today_is_done_for_today():
    rows = [answer(0, "lora-key-insight", False)]
    plan = today(QUESTIONS, schedule(rows, START), (), START + timedelta(hours=2), "UTC")
    assert plan.done == 1 and "lora-key-insight" not in {due.question for due in plan.queue}
    assert len(plan.queue) == NEW_CAP - 1


def test_the_queue_leans_on_what_the_learner_gets_wrong():
    rows = [answer(n, name, True) for n, name in enumerate(QUESTIONS)]
    later = START + timedelta(days=400)
    state = schedule(rows, later)
    idea = "lora-rank-memory"
    about = {name for name, question in QUESTIONS.items() if idea in names_of(question)}
    plain = {due.question for due in today(QUESTIONS, state, (), later, "UTC").queue}
    leaning = {due.question for due in today(QUESTIONS, state, {idea}, later, "UTC").queue}
    assert len(leaning & about) > len(plain & about)


def test_parametrised_questions_come_back_with_new_numbers():
    question = QUESTIONS["lora-adapter-parameters"]
    rows = [answer(0, question.id, False)]
    later = START + timedelta(days=3)
    due = next(d for d in today(QUESTIONS, schedule(rows, later), (), later, "UTC").queue if d.question == question.id)
    assert due.turn == 1 and not due.new
    stems = {variant(question, seed_for("ada", question.id, turn)).question.stem for turn in range(12)}
    assert len(stems) > 4


@pytest.mark.parametrize("seed", range(20))
def test_mixing_keeps_everything_and_the_order_within_a_lesson(seed):
    chosen = random.Random(seed).sample(list(QUESTIONS.values()), 24)
    order = mixed(chosen)
    assert sorted(q.id for q in order) == sorted(q.id for q in chosen)
    for lesson in {q.lesson for q in chosen}:
        assert [q.id for q in order if q.lesson == lesson] == [q.id for q in chosen if q.lesson == lesson]
    most = max(sum(q.lesson == lesson for q in chosen) for lesson in {q.lesson for q in chosen})
    if most <= 12:
        assert all(one.lesson != other.lesson for one, other in zip(order, order[1:], strict=False))


def test_forecast_counts_every_card_once_within_its_window():
    rows = [answer(n, name, n % 3 > 0) for n, name in enumerate(list(QUESTIONS)[:50])]
    days = progress.forecast(schedule(rows, START), START + timedelta(days=2), "UTC", days=4000)
    assert sum(day.questions for day in days) == 50 and days[0].day == "2026-11-24" and days[0].questions > 0


def test_retention_compares_with_what_was_expected():
    rows = [answer(0, "lora-scaling", True), answer(1, "lora-scaling", True, at=START + timedelta(days=9)), answer(2, "lora-rslora", True)]
    rows.append(answer(3, "lora-rslora", False, at=START + timedelta(days=9)))
    (week,) = progress.retention(schedule(rows, START + timedelta(days=20)))
    assert (week.monday, week.reviews, week.right) == ("2026-11-30", 2, 1)
    assert 1.5 < week.expected < 2.0


def test_streak_holds_until_yesterday():
    days = [progress.DayCount(f"2026-11-{day}", 3) for day in (17, 19, 20, 21)]
    assert progress.streak(days, "2026-11-21") == progress.streak(days, "2026-11-22") == 3
    assert progress.streak(days, "2026-11-23") == 0 and progress.streak([], "2026-11-23") == 0


def test_calibration_counts_first_tries_with_a_confidence():
    rows = [answer(0, "a", True), answer(1, "b", False), answer(2, "b", True, tries=1), answer(3, "c", True, confidence=None)]
    assert progress.calibration(rows) == (progress.Calibration("2026-11", "sure", 2, 1),)


def test_a_misconception_is_held_until_a_right_answer_cures_it():
    idea = "lora-zero-both"
    shown = answer(0, "lora-start-unchanged", False, shows=[idea])
    assert progress.held([shown], QUESTIONS) == {idea}
    cured = answer(1, "start-signs-of-change", True)
    assert progress.misconceptions([shown, cured], QUESTIONS)[0].cured_by == "start-signs-of-change"
    again = answer(2, "lora-start-unchanged", False, shows=[idea])
    assert progress.held([shown, cured, again], QUESTIONS) == {idea}


def test_point_biserial_is_a_correlation():
    source = random.Random(1)
    other = [source.random() for _ in range(200)]
    right = [source.random() < value for value in other]
    assert point_biserial(right, other) == pytest.approx(correlation([float(x) for x in right], other))
    assert point_biserial([True, True], [0.1, 0.2]) is None and point_biserial([True, False], [0.5, 0.5]) is None


def class_of(size: int) -> list[Answer]:
    """Learners whose ability grows; one good question, one that the weak get right, fillers that follow ability."""
    rows = []
    fillers = list(QUESTIONS)[40:52]
    for place in range(size):
        able = place / size
        mine = [
            ("lora-start-unchanged", able > 0.5),
            ("qlora-faster", able < 0.5),
            *((name, able > n / 12) for n, name in enumerate(fillers)),
        ]
        for number, (question, right) in enumerate(mine):
            row = answer(
                place * 100 + number,
                question,
                right,
                learner=f"l{place}",
                picked=["a" if right else "b"],
                shows=[] if right else ["lora-zero-both"],
            )
            rows.append(row)
    return rows


def test_items_tell_good_questions_from_bad_ones():
    found = {item.question: item for item in items(class_of(40), QUESTIONS)}
    good, bad = found["lora-start-unchanged"], found["qlora-faster"]
    assert good.tries == 40 and good.right == pytest.approx(0.475) and good.median_seconds == 5.0
    assert good.discrimination > 0.6 and bad.discrimination < -0.6
    assert good.chosen == {"a": 19, "b": 21, "c": 0, "d": 0} and set(good.unused) == {"c", "d"}
    assert worst(list(found.values()))[0].question == "qlora-faster"


def test_discrimination_needs_twenty_answers():
    assert all(item.discrimination is None for item in items(class_of(19), QUESTIONS))


def test_spread_counts_holders_and_cures():
    rows = class_of(20)
    (entry,) = [entry for entry in spread(rows, QUESTIONS) if entry.name == "lora-zero-both"]
    assert entry.holders + entry.cured == 20 and entry.cured == sum(count for _, count in entry.cures)


def test_a_sitting_is_read_from_the_log():
    item = variant(QUESTIONS["lora-start-unchanged"], 3)
    moment = Moment("ada", "/lora", START, "2026-11-22", "sure")
    wrong, verdict = answer_row(item, {"picked": ["b"]}, sitting([], item.question.id, 3), moment)
    assert verdict.misconceptions == ("lora-zero-both",) and wrong.chosen["shows"] == ["lora-zero-both"]
    state = sitting([wrong], item.question.id, 3)
    right, _ = answer_row(item, {"picked": ["a"]}, state, moment._replace(at=START + timedelta(minutes=1)))
    assert right.credit == 0.6 and right.tries == 1
    assert is_over(sitting([wrong, right], item.question.id, 3), item) and not is_over(state, item)
    shown = note_row(item, {"shown": True}, moment)
    assert is_over(sitting([wrong, shown], item.question.id, 3), item)
    assert sitting([wrong, undo_row(wrong, moment)], item.question.id, 3).tries == ()
    assert repeats(state, {"picked": ["b"]}) and not repeats(state, {"picked": ["a"]}), "a double click is one try"
    assert answer_row(item, {"picked": ["no such"]}, state, moment)[0] is None
