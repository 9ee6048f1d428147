"""Importing and computing what the pages need while the first one is being read, so that the next one opens at once."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from threading import Thread

from lessons import catalog


@cache
def warm_up() -> None:
    """Once in a process, and in the background: a second of imports, questions and recorded rows would otherwise fall on a click."""
    Thread(target=_read_all, name="warm-up", daemon=True).start()


def _read_all() -> None:
    for page in catalog.existing():
        import_module(f"lessons.{page.module}")
    import_module("alembic.command")
    import_module("quizzes.bank").questions()
    import_module("lessons.panels.measured").measured()
    panel = import_module("lessons.panels.claims")
    for page in catalog.LESSONS:
        lesson = import_module(f"lessons.{page.module}").LESSON
        for claim in lesson.claims:
            panel.found(claim)
        for make in lesson.once:
            make()
    import_module("lessons.arena").draw_first()
