"""What a question is. Frozen records; `quizzes.read` makes them from TOML, `quizzes.variants` turns one into what a learner sees."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("choice", "choices", "number", "order", "match", "fault", "chart", "predict", "recall")
"""Single choice, several choices, number with unit, ordering, matching, find the fault, read this chart, predict then run, free recall."""

PARTS = ("predict", "idea", "see", "run", "read", "claims", "break", "code", "quiz")
"""Anchors that every lesson page has."""

PAGES = {
    "start": "/start",
    "full-fine-tuning": "/full-fine-tuning",
    "lora": "/lora",
    "qlora": "/qlora",
    "prompt-and-prefix": "/prompt-and-prefix",
    "frozen-head": "/frozen-head",
    "instruction-tuning": "/instruction-tuning",
    "rlhf-and-dpo": "/rlhf-and-dpo",
    "choosing": "/choosing",
}
"""Lesson -> address of its page."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to pick, and what is said to the learner who picks it."""

    key: str
    """"a", "b", ... in the order of the file: what is stored, so that options may be shown in any order."""
    text: str
    feedback: str
    correct: bool = False
    misconception: str | None = None
    """Id from `misconceptions.toml`; wrong options have one where the slip has a name."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One option is right (`choice`), or several are (`choices`)."""

    options: tuple[Option, ...]
    several: bool = False


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong number that tells how it came about."""

    value: str
    """Formula over the drawn names."""
    feedback: str
    misconception: str | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number to type."""

    answer: str
    """Formula over the drawn names, in `unit`."""
    unit: str
    """"MB", "%", "parameters", ...; "" for a bare number."""
    tolerance: float
    """Relative, 0 for exact."""
    right: str
    """Feedback on a right number."""
    wrong: str
    """Feedback on a wrong number that no mistake below explains."""
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """Things to bring into order; in the file they stand in the right one."""

    items: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A left side and the right side that belongs to it."""

    key: str
    left: str
    right: str
    feedback: str
    misconception: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Pairs to find."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """Say it in your own words, then compare with a model answer and tick what you had."""

    model_answer: str
    points: tuple[Option, ...]
    """What a full answer holds; credit is the share that the learner had."""


Body = Pick | Number | Order | Match | Recall


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one set of bars."""

    name: str
    x: tuple[str | float, ...]
    y: tuple[str, ...]
    """Formulas; plain numbers are formulas too."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture that the question is about."""

    style: str
    """"line" or "bar"."""
    title: str
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """Where the numbers of a parametrised question come from; empty for a fixed one."""

    rows: tuple[dict[str, str | int | float], ...] = ()
    """One row is drawn: values that belong together, such as a model's name, depth and width."""
    lists: dict[str, tuple[str | int | float, ...]] = field(default_factory=dict)
    """One value of each list is drawn, independently."""
    compute: dict[str, str] = field(default_factory=dict)
    """Name -> formula over what was drawn and the names above it."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.lists)


@dataclass(frozen=True, slots=True)
class Question:
    """One question with everything that is ever said about it. Texts may hold `{{name}}` and `{{name:,.1f}}`."""

    id: str
    """Stable and never reused: answers are stored under it."""
    lesson: str
    kind: str
    stem: str
    body: Body
    part: str
    """Anchor of the place in the lesson that teaches it."""
    page: str
    source: str
    """Author, year, arXiv id, section; or how the figure comes about."""
    explanation: str = ""
    hints: tuple[str, ...] = ()
    listing: str = ""
    """A configuration, a log or code, shown as written."""
    language: str = "text"
    chart: Chart | None = None
    run: str = ""
    """Address that sets up the run which settles a prediction."""
    draw: Draw = field(default_factory=Draw)
    opening: int = 0
    """1 to 4: place among the classic questions that open practice; 0 for the others."""
    line: int = 0
    """Line of the file it was read from."""

    @property
    def parametrised(self) -> bool:
        return bool(self.draw)


@dataclass(frozen=True, slots=True)
class Pack:
    """The questions of one file."""

    name: str
    """Lesson of the course, or a teacher's pack name."""
    title: str
    questions: tuple[Question, ...]
