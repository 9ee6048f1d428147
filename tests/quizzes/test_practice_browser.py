"""Three simulated days of practice in a real browser, by keyboard where there is one, checked against the store."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from quizzes import bank
from quizzes.answers import in_force, seed_for
from quizzes.clock import day_of
from quizzes.daily import Due, today
from quizzes.grading import key_of
from quizzes.progress import held
from quizzes.schedule import schedule
from quizzes.schema import Match, Number, Order, Pick, Recall
from quizzes.sitting import is_try
from quizzes.stored import StoreLog
from quizzes.variants import Variant, variant

pytestmark = pytest.mark.e2e
APP = Path(__file__).with_name("practice_app.py")
LEARNER = "0123456789abcdef0123456789abcdef"
A_DAY = 5
"""Questions answered a day; the rest waits, as it does for people."""
SLOW_MS = 30_000


class Learner:
    """Practises in the browser, and knows from the store what ought to be on the screen."""

    def __init__(self, page, address: str, days: Path) -> None:
        self.page, self.address, self.days = page, address, days
        page.context.add_cookies([{"name": "deltalab_learner", "value": LEARNER, "url": address}])

    def wake_up(self, day: int) -> None:
        self.days.write_text(str(day), "utf-8")
        self.page.goto(f"{self.address}/practice")
        expect(self.page.get_by_text("questions today")).to_be_visible(timeout=SLOW_MS)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=float(self.days.read_text("utf-8")))

    def next_due(self) -> Due:
        rows, questions = StoreLog().load(LEARNER), dict(bank.questions())
        return today(questions, schedule(rows, self.now()), held(rows, questions), self.now(), "UTC").queue[0]

    def practise_one(self, right: bool) -> Variant:
        due = self.next_due()
        item = variant(bank.questions()[due.question], seed_for(LEARNER, due.question, due.turn))
        before = len(self.tries())
        expect(self.page.get_by_text(_start(item.question.stem)).first).to_be_visible(timeout=SLOW_MS)
        self._answer(item, right)
        way_on = self.page.get_by_role("button", name=re.compile("^(Next question|Leave it for today)"))
        expect(way_on).to_be_visible(timeout=SLOW_MS)
        assert len(self.tries()) == before + 1, "the click is saved before the next one"
        if self.page.get_by_role("button", name="Next question").count():
            self.page.keyboard.press("Enter")
        else:
            way_on.click()
        expect(way_on).to_have_count(0, timeout=SLOW_MS)
        return item

    def _answer(self, item: Variant, right: bool) -> None:
        page, body, key = self.page, item.question.body, key_of(item)
        if item.shown and not isinstance(body, Match):
            expect(page.get_by_role("button", name=f"Shortcut {len(item.shown)}")).to_be_visible(timeout=SLOW_MS)
        match body:
            case Pick(several=False):
                wanted = next(place for place, k in enumerate(item.shown) if (k == key["picked"][0]) == right)
                page.keyboard.press(str(wanted + 1))
            case Pick():
                for place, k in enumerate(item.shown):
                    if (k in key["picked"]) == right:
                        page.keyboard.press(str(place + 1))
                        expect(page.get_by_role("button", name="(chosen)")).to_have_count(
                            sum((x in key["picked"]) == right for x in item.shown[: place + 1])
                        )
                page.keyboard.press("Enter")
            case Number():
                page.get_by_label("Your number").fill(key["number"] if right else "1e-9")
                page.get_by_label("Your number").press("Enter")
            case Order(items=items):
                for done, entry in enumerate(items if right else reversed(items), start=1):
                    page.keyboard.press(str(item.shown.index(entry.key) + 1))
                    expect(page.get_by_role("button", name="(place")).to_have_count(done)
                page.keyboard.press("Enter")
            case Match(pairs=pairs):
                for place, pair in enumerate(pairs):
                    page.get_by_role("combobox", name=_start(pair.left)).click()
                    chosen = pair if right else pairs[(place + 1) % len(pairs)]
                    page.get_by_role("option", name=chosen.right, exact=True).click()
                page.get_by_role("button", name="Check the pairs").click()
            case Recall():
                page.get_by_label("Say it in your own words").fill("as far as I remember")
                page.get_by_role("button", name="Compare with a model answer").click()
                expect(page.get_by_text("A model answer.")).to_be_visible(timeout=SLOW_MS)
                for box in page.get_by_role("checkbox").all() if right else ():
                    box.check(force=True)
                page.get_by_role("button", name="Save").click()

    def tries(self) -> list:
        return [row for row in in_force(StoreLog().load(LEARNER)) if is_try(row)]


def _start(text: str) -> str:
    """The first words of a text, as far as they hold no formula."""
    return re.split(r"[$`*\\{]", text)[0][:40].strip()


def test_three_days_of_practice(page, app_server, tmp_path, monkeypatch) -> None:
    days = tmp_path / "days"
    days.write_text("0", "utf-8")
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DELTALAB_DATABASE_URL", raising=False)
    learner = Learner(page, app_server(APP, DELTALAB_HOME=str(tmp_path / "data"), DELTALAB_TEST_DAYS=str(days)), days)
    met: dict[int, list[Variant]] = {}
    for day in range(3):
        learner.wake_up(day)
        met[day] = [learner.practise_one(right=number % 2 == 0) for number in range(A_DAY)]
        page.reload()
        expect(page.get_by_text(f"{A_DAY} of")).to_be_visible(timeout=SLOW_MS)
    rows = learner.tries()
    counts = Counter((row.question, row.day) for row in rows)
    assert len(rows) == 3 * A_DAY and max(counts.values()) == 1, "nothing is asked twice on one day"
    assert len({row.day for row in rows}) == 3
    missed = {row.question for row in rows if row.chosen["right"] is not True and row.day == rows[0].day}
    assert missed & {item.question.id for item in met[1]}, "what went wrong comes back the next day"
    again = [(a, b) for a in met[0] for b in met[1] if a.question.id == b.question.id]
    assert all(a.seed != b.seed for a, b in again), "and comes back with another seed"
    page.get_by_role("button", name="Take back the last answer").click()
    expect(page.get_by_text("Taken back: answer it again.")).to_be_visible(timeout=SLOW_MS)
    assert len(learner.tries()) == 3 * A_DAY - 1
    assert day_of(rows[-1].at, "UTC") == rows[-1].day
    page.goto(f"{learner.address}/practice?view=progress")
    expect(page.get_by_text("Days in a row: 3").first).to_be_visible(timeout=SLOW_MS)
    assert page.problems == []


def test_a_lesson_quiz_by_keyboard_and_again_after_a_reload(page, app_server, tmp_path, monkeypatch) -> None:
    days = tmp_path / "days"
    days.write_text("0", "utf-8")
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path / "data"))
    address = app_server(Path(__file__).with_name("quiz_app.py"), DELTALAB_HOME=str(tmp_path / "data"))
    page.goto(f"{address}/?who={LEARNER}")
    first = bank.of_lesson("lora")[0]
    item = variant(first, seed_for(LEARNER, first.id))
    expect(page.get_by_text("Question 1 of 3")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Shortcut H")).to_be_visible(timeout=SLOW_MS)
    page.keyboard.press("h")
    expect(page.get_by_text("Hint 1:")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="A and B are both zero").dblclick()
    expect(page.get_by_text("Not yet.")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Question 2 of 3")).to_have_count(0)
    page.keyboard.press(str(item.shown.index("a") + 1))
    expect(page.get_by_text("Question 2 of 3")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    expect(page.get_by_text("your choice, right")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Question 2 of 3")).to_be_visible()
    assert [row.credit for row in StoreLog().load(LEARNER)] == [0.0, 0.3]
