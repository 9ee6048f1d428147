"""One learner at one question: what the rows of the log say about where they stand, and the row that the next click makes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from quizzes.answers import Answer, in_force
from quizzes.grading import FALLING_CREDIT, Chosen, Grade, falling, grade
from quizzes.schema import Pick
from quizzes.variants import Variant


class Sitting(NamedTuple):
    """Where a learner stands with one variant of one question."""

    tries: tuple[Answer, ...]
    """Graded tries, oldest first."""
    draft: str | None
    """Free recall: the text that was written before the model answer was shown."""
    shown: bool
    """The learner asked for the answer."""

    @property
    def right(self) -> bool:
        return bool(self.tries) and self.tries[-1].chosen.get("right") is True

    @property
    def hints(self) -> int:
        return max((answer.hints for answer in self.tries), default=0)


def is_try(answer: Answer) -> bool:
    """Rows that only note something (a draft, the answer shown, an undoing) are no tries."""
    chosen = answer.chosen
    return not ("undo" in chosen or "shown" in chosen or "draft" in chosen)


def sitting(answers: Sequence[Answer], question: str, seed: int) -> Sitting:
    """Read the rows of one variant. Undone rows do not count."""
    rows = [answer for answer in in_force(answers) if answer.question == question and answer.seed == seed]
    drafts = [str(row.chosen["draft"]) for row in rows if "draft" in row.chosen]
    return Sitting(tuple(filter(is_try, rows)), drafts[-1] if drafts else None, any("shown" in row.chosen for row in rows))


def is_over(state: Sitting, variant: Variant) -> bool:
    """Right, given up, or out of tries: what is left to choose earns nothing. Recall is graded by oneself, once."""
    body = variant.question.body
    most = len(FALLING_CREDIT)
    if isinstance(body, Pick) and not body.several:
        most = min(most, len(body.options) - 1)
    return state.right or state.shown or len(state.tries) >= most or (variant.question.kind == "recall" and bool(state.tries))


def repeats(state: Sitting, chosen: Chosen) -> bool:
    """The last try made the same choice; making it again is a slip of the hand and no try."""
    return bool(state.tries) and all(state.tries[-1].chosen.get(name) == value for name, value in chosen.items())


class Moment(NamedTuple):
    """Who answers, when and where; the same for every kind of row."""

    learner: str
    page: str
    at: datetime
    day: str
    confidence: str | None = None
    hints: int = 0
    seconds: float = 0.0


def answer_row(variant: Variant, chosen: Chosen, state: Sitting, moment: Moment) -> tuple[Answer | None, Grade]:
    """The row for one try and its grade; no row where nothing could be graded."""
    verdict = grade(variant, chosen)
    if verdict.unread:
        return None, verdict
    credit = verdict.credit if variant.question.kind == "recall" else falling(verdict.credit, moment.hints, len(state.tries))
    kept = {**chosen, "right": verdict.right, "shows": list(verdict.misconceptions)}
    return _row(variant, kept, credit, len(state.tries), moment), verdict


def note_row(variant: Variant, note: dict[str, object], moment: Moment) -> Answer:
    """A row that is no try: {"draft": text} or {"shown": True}."""
    return _row(variant, note, 0.0, 0, moment)


def undo_row(answer: Answer, moment: Moment) -> Answer:
    """A row that takes `answer` back; the answer itself stays in the log."""
    return Answer(
        uuid4().hex,
        moment.learner,
        answer.question,
        answer.seed,
        {"undo": answer.id},
        0.0,
        None,
        0,
        0.0,
        moment.page,
        moment.at,
        moment.day,
    )


def _row(variant: Variant, chosen: Chosen, credit: float, tries: int, moment: Moment) -> Answer:
    identity = uuid4().hex
    return Answer(
        identity,
        moment.learner,
        variant.question.id,
        variant.seed,
        dict(chosen),
        credit,
        moment.confidence,
        moment.hints,
        moment.seconds,
        moment.page,
        moment.at,
        moment.day,
        tries,
    )
