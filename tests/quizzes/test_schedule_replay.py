"""The state after any history equals a plain py-fsrs replay of the log."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from fsrs import Card, Rating, Scheduler

from quizzes.answers import Answer, CachedLog, MemoryLog, in_force
from quizzes.clock import day_of
from quizzes.history import export_history, import_history
from quizzes.schedule import Schedule, advance, rating_of, replay, reviews_of, schedule
from quizzes.sitting import Moment, undo_row

HISTORIES = 1_000
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kolkata", None, "No/Such_Place")
QUESTIONS = [f"q{i}" for i in range(6)]


def straight_replay(answers, now) -> dict[str, dict]:
    """py-fsrs and nothing else: sort the log, keep each day's first answer, review."""
    undone = {a.chosen["undo"] for a in answers if "undo" in a.chosen}
    scheduler = Scheduler(desired_retention=0.9, learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    cards: dict[str, Card] = {}
    met: set[tuple[str, str]] = set()
    for a in sorted({a.id: a for a in answers}.values(), key=lambda a: (a.at, a.id)):
        if "undo" in a.chosen or a.id in undone or "draft" in a.chosen or (a.question, a.day) in met or a.at > now + timedelta(days=1):
            continue
        met.add((a.question, a.day))
        right, sure = a.chosen["right"], a.confidence == "sure"
        if not right:
            rating = Rating.Hard if a.credit >= 0.5 else Rating.Again
        else:
            rating = Rating.Hard if a.hints else Rating.Easy if sure else Rating.Good
        card = cards.get(a.question) or Card(card_id=0, due=a.at)
        cards[a.question], _ = scheduler.review_card(card, rating, a.at)
    return {name: card.to_dict() for name, card in cards.items()}


def as_dicts(state: Schedule) -> dict[str, dict]:
    return {name: card.to_dict() for name, card in state.cards.items()}


def one_answer(source: random.Random, now: datetime, zone: str | None, number: int) -> Answer:
    right = source.random() < 0.7
    chosen = {"draft": "x"} if source.random() < 0.05 else {"picked": ["a"], "right": right}
    credit = 1.0 if right else source.choice([0.0, 0.0, 0.5, 0.7])
    how = (source.choice(["guess", "think", "sure", None]), source.choice([0, 0, 0, 1, 2]), 3.0, "/practice")
    return Answer(f"{number:06d}", "ada", source.choice(QUESTIONS), number, chosen, credit, *how, now, day_of(now, zone))


def random_history(seed: int):
    """A log that went through answers, undoings, restarts, exports and imports, clock and zone changes; its kept state, and the time."""
    source = random.Random(seed)
    log, now, zone = MemoryLog(), START, "UTC"
    state, latest = schedule((), now), START
    for number in range(source.randint(5, 60)):
        now += timedelta(hours=source.expovariate(1 / 9))
        match source.choices(["answer", "undo", "restart", "carry", "zone", "back", "ahead"], [70, 8, 5, 5, 6, 3, 3])[0]:
            case "answer":
                log.save(one_answer(source, now, zone, seed * 1_000 + number))
            case "undo":
                if rows := in_force(log.load("ada")):
                    log.save(undo_row(rows[-1], Moment("ada", "/practice", now, day_of(now, zone))))
            case "restart":
                state = schedule(log.load("ada"), latest)
            case "carry":
                log = carried(log, source)
            case "zone":
                zone = source.choice(ZONES)
            case "back":
                now -= timedelta(hours=source.randint(1, 50))
            case "ahead":
                log.save(one_answer(source, now + timedelta(days=source.randint(2, 900)), zone, seed * 1_000 + number))
        latest = max(latest, now)
        state = advance(state, log.load("ada"), latest)
    return log, state, latest


def carried(log: MemoryLog, source: random.Random) -> MemoryLog:
    """Export, and import on another machine that has some of the rows, in another order."""
    rows = list(log.load("ada"))
    other = MemoryLog()
    for row in source.sample(rows, len(rows) // 2):
        other.save(row)
    for row in import_history(export_history(rows), "ada", other.load("ada")):
        other.save(row)
    return other


@pytest.mark.parametrize("block", range(10))
def test_kept_state_equals_a_straight_replay_after_random_histories(block):
    for seed in range(block * HISTORIES // 10, (block + 1) * HISTORIES // 10):
        log, state, now = random_history(seed)
        rows = log.load("ada")
        expected = straight_replay(rows, now)
        assert as_dicts(state) == expected, seed
        assert as_dicts(schedule(rows, now)) == expected, seed
        shuffled = list(rows)
        random.Random(seed).shuffle(shuffled)
        assert as_dicts(schedule(shuffled, now)) == expected, seed


def answer(day: int, hour: float, right: bool = True, question: str = "q", **how) -> Answer:
    at = START.replace(hour=0) + timedelta(days=day, hours=hour)
    fields = {"confidence": None, "hints": 0, "credit": float(right)} | how
    zone = fields.pop("zone", "UTC")
    return Answer(
        f"{day:03d}-{hour:05.2f}-{question}",
        "ada",
        question,
        0,
        {"right": right},
        fields["credit"],
        fields["confidence"],
        fields["hints"],
        1.0,
        "/",
        at,
        day_of(at, zone),
    )


@pytest.mark.parametrize(
    ("given", "rating"),
    [
        (answer(0, 9, right=False), Rating.Again),
        (answer(0, 9, right=False, confidence="sure"), Rating.Again),
        (answer(0, 9, hints=1), Rating.Hard),
        (answer(0, 9, hints=1, confidence="sure"), Rating.Hard),
        (answer(0, 9), Rating.Good),
        (answer(0, 9, confidence="think"), Rating.Good),
        (answer(0, 9, confidence="sure"), Rating.Easy),
        (answer(0, 9, right=False, credit=0.6), Rating.Hard),
    ],
)
def test_ratings(given, rating):
    assert rating_of(given) is rating


def test_only_the_first_answer_of_a_day_counts():
    rows = [answer(0, 9, right=False), answer(0, 10), answer(0, 23)]
    assert [review.rating for review in reviews_of(rows, START)] == [Rating.Again]


def test_an_undone_first_answer_lets_the_next_one_count():
    first = answer(0, 9, right=False)
    undo = undo_row(first, Moment("ada", "/", first.at + timedelta(minutes=1), first.day))
    assert [review.rating for review in reviews_of([first, undo, answer(0, 10)], START)] == [Rating.Good]


def test_undoing_an_undoing_changes_nothing():
    first = answer(0, 9)
    undo = undo_row(first, Moment("ada", "/", first.at, first.day))
    again = undo_row(undo, Moment("ada", "/", first.at, first.day))
    assert reviews_of([first, undo, again], START) == ()


def test_a_day_is_the_learners_own_and_stays_so_after_moving():
    berlin = [answer(0, 22.5, zone="Europe/Berlin"), answer(0, 23.5, zone="Europe/Berlin")]
    assert [row.day for row in berlin] == ["2026-11-22", "2026-11-23"]
    assert len(reviews_of(berlin, START + timedelta(days=2))) == 2


def test_a_clock_far_ahead_does_not_push_a_question_into_the_future():
    rows = [answer(0, 9), answer(400, 9, question="other")]
    state = schedule(rows, START + timedelta(hours=1))
    assert set(state.cards) == {"q"}
    assert set(schedule(rows, START + timedelta(days=401)).cards) == {"q", "other"}


def test_a_clock_set_back_is_harmless():
    rows = [answer(5, 9), answer(2, 9, right=False), answer(6, 9)]
    reviews = reviews_of(rows, START + timedelta(days=9))
    assert [review.at for review in reviews] == sorted(review.at for review in reviews)


def test_an_unknown_time_zone_is_taken_as_utc():
    at = datetime(2026, 11, 22, 23, 30, tzinfo=timezone.utc)  # noqa: UP017 - py-fsrs compares with this very object
    assert day_of(at, "../etc/passwd") == day_of(at, None) == "2026-11-22"
    assert day_of(at, "Asia/Tokyo") == "2026-11-23"


def test_cached_log_keeps_step_with_its_store():
    store = MemoryLog()
    store.save(answer(0, 9))
    cached = CachedLog(store)
    assert len(cached.load("ada")) == 1
    cached.save(answer(1, 9, question="other"))
    assert [a.question for a in cached.load("ada")] == ["q", "other"] == [a.question for a in store.load("ada")]
    assert len(cached.load("ada", "other")) == 1 and cached.load("bob") == []
    store.save(answer(2, 9))
    cached.forget()
    assert len(cached.load("ada")) == 3


def test_reviews_of_nothing_is_nothing():
    assert replay(()) == schedule((), START)
    assert schedule((), START).recall("q", START) == 0.0
