"""A lesson page: the arc with its panels. A page's own file says what differs: methods, claims, code, numbers, pictures.

LESSON = Lesson("lora", methods=("lora",), claims=("10000x",), code={...}, numbers=numbers, parts={"see": see})

def page() -> None:
    show(LESSON)

Each part first shows lessons/text/<path>/<part>.md, filled with the page's numbers, then its panel, then what the
page adds. A lesson whose run is not recorded yet keeps its prose, picture, claims and questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.catalog.models import can_ask
from engine.catalog.tasks import TASKS
from engine.contracts import RunSpec
from engine.doctor import diagnose, findings
from lessons import arc
from lessons.catalog import onward
from lessons.panels import current
from lessons.panels.beliefs import beliefs
from lessons.panels.claims import claims
from lessons.panels.clinic import clinic
from lessons.panels.code import show_code
from lessons.panels.current import Shown
from lessons.panels.delta import capitalised
from lessons.panels.dials import Cell, cell_now, dials, follow
from lessons.panels.predict import predict, score_prediction
from lessons.panels.progress import done, headline
from lessons.panels.quiz import quiz
from lessons.panels.reading import watch_reading
from lessons.panels.run import run_panel
from lessons.stage.learner import learner_id
from lessons.text import has, label, prose, read

QUESTIONS = 3


class View(NamedTuple):
    """What a page shows at the moment."""

    learner: str | None
    cell: Cell | None
    """Model, task, method and objective of the run, else of the dials; None while no task serves the page's objective."""
    run: jobs.RunStatus | None
    """The learner's run, from the address."""
    kept: Shown | None
    """The recorded run of the cell; None where there is none."""
    shown: Shown | None
    """The learner's run once it is done, else the recorded one."""

    @property
    def runs(self) -> bool:
        """Whether there is something to press."""
        return self.cell is not None and can_ask(self.cell.model) and current.can_run(self.cell.method, self.cell.objective)


NOTHING_SHOWN = View(None, None, None, None, None)


def no_numbers(view: View) -> dict[str, object]:
    """For prose without numbers."""
    return {}


class Lesson(NamedTuple):
    """What makes a page this page."""

    path: str
    """Address, folder of its prose, and name of its questions."""
    methods: tuple[str, ...] = ()
    """Adaptations to run here, the usual one first; none on a page that trains nothing."""
    objectives: tuple[str, ...] = ("sft",)
    tasks: tuple[str, ...] = ()
    """Tasks of `engine.catalog` that belong here; all that serve the objective where none is named."""
    title: str | None = None
    """Key of a label, where the page's title is not its name in the rail."""
    claims: tuple[str, ...] = ()
    """Ids of `engine.planner.claims`."""
    code: Mapping[str, tuple[str, str]] = {}
    """Tab -> (file, function or class in it); "" for the whole file; tabs whose file is not there are left out."""
    numbers: Callable[[View], dict[str, object]] = no_numbers
    """What `{{name}}` in the page's prose stands for."""
    picture: Callable[[View], None] | None = None
    """Draws on the stage."""
    parts: Mapping[str, Callable[[View], None]] = {}
    """Anchor -> what the page adds at the end of a part."""
    once: tuple[Callable[[], object], ...] = ()
    """Remembered pictures of recorded data that the page opens with; `lessons.warm_up` makes them before anyone asks."""
    prompts: Callable[[View], int] | None = None
    """Where the prediction is not about a run: the most that can be said."""
    truth: Callable[[View], int] | None = None
    """And the number that scores it at once."""


def show(lesson: Lesson) -> None:
    """The page, from the first word to the quiz."""
    learner = learner_id()
    arc.header(lesson.path, label(lesson.title) if lesson.title else None, lead=read(lesson.path, "lead"))
    headline(lesson.path, learner)
    view = _view(lesson, learner)
    _score(lesson, view)
    numbers = lesson.numbers(view)
    with arc.body():
        for part in arc.PARTS:
            if part == "see" and lesson.picture:
                with arc.stage_place():
                    lesson.picture(view)
            with arc.part(part):
                _words(lesson, part, view, numbers)
                PANELS[part](lesson, view, numbers)
                if part in lesson.parts:
                    lesson.parts[part](view)
    watch_reading(lesson.path, learner)


def _view(lesson: Lesson, learner: str | None) -> View:
    if not lesson.methods:
        return View(learner, None, None, None, None)
    run = current.run_in_address()
    if run:
        follow(run.run_id, run.spec, lesson.methods, lesson.objectives)
        cell: Cell | None = Cell(run.spec.model, run.spec.task, run.spec.method, run.spec.objective)
    else:
        cell = cell_now(lesson.methods, lesson.objectives, lesson.tasks)
    kept = current.recorded(*cell, lesson.tasks) if cell else None
    return View(learner, cell, run, kept, current.own(run) if run and run.state == "done" else kept)


def _score(lesson: Lesson, view: View) -> None:
    if view.run and view.run.state == "done" and view.shown and view.shown.story.latest:
        look = view.shown.story.latest
        score_prediction(lesson.path, view.learner, view.run.run_id, look.score, look.prompts)


def _words(lesson: Lesson, part: str, view: View, numbers: Mapping[str, object]) -> None:
    """The part's prose; a file <part>-nano.md is for the tasks of nano models."""
    nano = view.cell is not None and TASKS[view.cell.task].models == "nano"
    name = f"{part}-nano" if nano and has(lesson.path, f"{part}-nano") else part
    if has(lesson.path, name):
        prose(lesson.path, name, **numbers)


def _predict(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    if lesson.prompts and lesson.truth:
        predict(lesson.path, lesson.prompts(view), view.learner, truth=lesson.truth(view), asks=f"predict.{lesson.path}")
    elif view.cell and view.runs:
        spec = _default(view.cell)
        seen = view.run.run_id if view.run and view.run.state == "done" else None
        predict(lesson.path, TASKS[view.cell.task].heldout_examples, view.learner, spec.hash, seen=seen)


def _run(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    if not lesson.methods:
        return
    if not view.runs:
        here = view.cell is None or can_ask(view.cell.model)
        st.info(label("run.none_yet" if here else "run.no_model"))
        return
    run_panel(dials(lesson.methods, lesson.objectives, lesson.tasks), view.run, view.kept)
    if view.run is not None:
        done(view.learner, lesson.path, "run")


def _read(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    if view.shown:
        st.caption(f"{capitalised(view.shown.whose)} · {view.shown.label.text.partition(' · ')[2]}")
        for finding in findings(view.shown.story):
            prose("read", finding.key, **finding.values)
        for place, found in enumerate(diagnose(view.shown.story)):
            with st.container(border=True, key=f"diagnosis-{place}"):
                prose("clinic", found.key, **found.values)


def _claims(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    claims(lesson.claims)
    beliefs(lesson.path, **numbers)


def _break(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    clinic(lesson.path, _default(view.cell) if view.cell and view.runs else None)


def _code(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    show_code(lesson.code)


def _quiz(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    quiz(lesson.path, view.learner, count=QUESTIONS, page=f"/{lesson.path}")
    _onward(lesson.path)


def _onward(path: str) -> None:
    """The next lesson; after the last one, the tools."""
    pages = st.session_state.get("pages", {})
    for page in onward(path):
        if page.path in pages:
            st.page_link(pages[page.path], label=label("arc.next", title=page.title), icon=":material/arrow_forward:")


def _nothing(lesson: Lesson, view: View, numbers: Mapping[str, object]) -> None:
    """Idea and See are prose and picture."""


def _default(cell: Cell) -> RunSpec:
    return default_spec(cell.model, cell.task, cell.method, objective=cell.objective)


PANELS: dict[str, Callable[[Lesson, View, Mapping[str, Any]], None]] = {
    "predict": _predict,
    "idea": _nothing,
    "see": _nothing,
    "run": _run,
    "read": _read,
    "claims": _claims,
    "break": _break,
    "code": _code,
    "quiz": _quiz,
}
