"""A session of questions on the page, each answered in a process of its own that is killed at the moment its click is saved.

The nursery imports once and forks, since starting Python anew takes longer than a click.
"""

from __future__ import annotations

import os
import signal
import sys

from hands import SEED, answer_rightly, one_question

from quizzes import bank
from quizzes.answers import Answer
from quizzes.schema import Question
from quizzes.sitting import is_try
from quizzes.stored import StoreLog
from quizzes.variants import variant

_save = StoreLog.save
AT_ONCE = 3


def save_and_wait(self: StoreLog, answer: Answer) -> None:
    """Save as the page does, then say so and stand still in the middle of the page's run."""
    _save(self, answer)
    if is_try(answer):
        print(os.getpid(), answer.id, flush=True)
        while True:
            signal.pause()


def main(clicks: int) -> None:
    StoreLog.save = save_and_wait  # type: ignore[method-assign]
    questions = list(bank.questions().values())[:clicks]
    for first in range(0, clicks, AT_ONCE):
        children = [visit(question) for question in questions[first : first + AT_ONCE]]
        for child in children:
            os.waitpid(child, 0)


def visit(question: Question) -> int:
    """Answer a question in a child process; its id."""
    child = os.fork()
    if child == 0:
        answer_rightly(one_question(question.id), variant(question, SEED))
        os._exit(3)  # not killed: the click was never saved
    return child


if __name__ == "__main__":
    main(int(sys.argv[1]))
