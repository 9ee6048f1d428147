"""What a learner's hands do on a page without a browser."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from quizzes.grading import key_of
from quizzes.schema import Match, Number, Order, Pick, Recall
from quizzes.variants import Variant

LEARNER = "0123456789abcdef0123456789abcdef"
SEED = 5


def one_question(identity: str) -> AppTest:
    """A page with one question of the bank, drawn with SEED."""

    def script(identity: str, learner: str) -> None:
        import streamlit as st

        from lessons.panels.question import Desk, ask, state_of
        from lessons.panels.quiz import answer_log
        from quizzes import bank
        from quizzes.variants import variant

        item = variant(bank.questions()[identity], 5)
        desk = Desk(answer_log(learner), learner, "/practice", "one", shortcuts=True)
        ask(item, state_of(item, desk), desk)
        st.caption("end")

    return AppTest.from_function(script, args=(identity, LEARNER), default_timeout=30).run()


def button(test: AppTest, label: str) -> Any:
    """The first button whose label starts so."""
    found = [entry for entry in test.button if entry.label.startswith(label)]
    assert found, [entry.label for entry in test.button]
    return found[0]


def answer_rightly(test: AppTest, item: Variant) -> None:
    """Use the widgets as a learner would."""
    body, key = item.question.body, key_of(item)
    match body:
        case Pick(several=False):
            button(test, next(o.text for o in body.options if o.correct)).click().run()
        case Pick():
            for option in body.options:
                if option.correct:
                    button(test, option.text).click().run()
            button(test, "Check").click().run()
        case Number():
            test.text_input[0].set_value(key["number"])
            button(test, "Check").click().run()
        case Order():
            for option in body.items:
                button(test, option.text).click().run()
            button(test, "Check").click().run()
        case Match():
            for pair in body.pairs:
                next(box for box in test.selectbox if box.label == pair.left).set_value(pair.key)
            button(test, "Check").click().run()
        case Recall():
            test.text_area[0].set_value("in my own words")
            button(test, "Compare").click().run()
            for box in test.checkbox:
                box.check()
            button(test, "Save").click().run()
