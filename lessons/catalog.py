"""The course as data: which pages there are, in which order, under which address, and what each one asks for.

A page is a module of this package with a function `page()`. To add one, write the module and, if it is not here yet,
one row, whose title stands in lessons/text/labels.toml; a row whose module does not exist is simply not shown.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, NamedTuple

from lessons.text import label


class Page(NamedTuple):
    """One page of the app."""

    path: str
    """Its address without the slash; links, tests and teachers rely on it."""
    module: str
    """Module of `lessons` with a function `page()`."""
    group: Literal["lessons", "tools"]
    minutes: int = 0
    """What a lesson takes; 0 for a tool."""
    needs: tuple[str, ...] = ()
    """Paths of the lessons that this one builds on."""

    @property
    def title(self) -> str:
        """Its name in the navigation, by its path in labels.toml."""
        return label(f"pages.{self.path}")


PAGES: tuple[Page, ...] = (
    Page("start", "start", "lessons", 5),
    Page("full-fine-tuning", "full_fine_tuning", "lessons", 15, ("start",)),
    Page("lora", "lora", "lessons", 15, ("start",)),
    Page("qlora", "qlora", "lessons", 15, ("lora",)),
    Page("prompt-and-prefix", "prompt_and_prefix", "lessons", 15, ("start",)),
    Page("frozen-head", "frozen_head", "lessons", 12, ("start",)),
    Page("instruction-tuning", "instruction_tuning", "lessons", 15, ("lora",)),
    Page("rlhf-and-dpo", "preference", "lessons", 20, ("instruction-tuning",)),
    Page("choosing", "choosing", "lessons", 10, ("lora", "full-fine-tuning")),
    Page("calculator", "planner", "tools"),
    Page("arena", "arena", "tools"),
    Page("practice", "practice", "tools"),
    Page("runs", "runs", "tools"),
    Page("record", "record", "tools"),
    Page("classroom", "classroom", "tools"),
    Page("gallery", "gallery", "tools"),
)

LESSONS = tuple(page for page in PAGES if page.group == "lessons")


def existing() -> tuple[Page, ...]:
    """Pages whose module is there, in order; nothing is imported."""
    return tuple(page for page in PAGES if find_spec(f"lessons.{page.module}") is not None)


def find(path: str) -> Page:
    """The page at an address. Raises KeyError naming it and those that exist."""
    for page in PAGES:
        if page.path == path:
            return page
    raise KeyError(f"no page at {path!r}; there are {', '.join(page.path for page in PAGES)}")


def page_of(method: str, objective: str, task: str) -> Page:
    """The lesson that a run belongs to."""
    if objective in ("dpo", "reward", "rlhf"):
        return find("rlhf-and-dpo")
    if objective == "classify":
        return find("frozen-head")
    if task in ("instructions", "orders"):
        return find("instruction-tuning")
    return find(
        {"full": "full-fine-tuning", "prompt": "prompt-and-prefix", "prefix": "prompt-and-prefix", "head": "frozen-head"}.get(
            method, method
        )
    )


def onward(path: str) -> tuple[Page, ...]:
    """Where one goes from a lesson: to the next one; from the last one to the tools that build on the course."""
    place = [page.path for page in LESSONS].index(path)
    return LESSONS[place + 1 : place + 2] or tuple(find(tool) for tool in ("calculator", "arena", "practice"))


def number(path: str) -> int | None:
    """Place of a lesson in the course, from 1; None for a tool."""
    return next((place for place, page in enumerate(LESSONS, 1) if page.path == path), None)
