"""The first page: what fine-tuning is, seen on a real model, a map of the methods, and where to go next."""

from __future__ import annotations

import streamlit as st

from engine.catalog.models import DEFAULT_MODEL, MODELS
from engine.doctor import findings
from lessons.lesson import Lesson, View, show
from lessons.panels import current
from lessons.panels.answers import answers_table
from lessons.panels.current import Shown
from lessons.panels.glossary import glossary_panel
from lessons.panels.progress import done
from lessons.text import label, prose, table


def page() -> None:
    show(LESSON)


def shown() -> Shown | None:
    """The recorded LoRA run of the course's first task."""
    card = MODELS[DEFAULT_MODEL]
    return current.recorded(card.name, card.tasks[0], "lora")


def numbers(view: View) -> dict[str, object]:
    kept = shown()
    if kept is None or kept.story.latest is None or kept.story.started is None:
        return {}
    look, started = kept.story.latest, kept.story.started
    return {
        "examples": kept.spec.examples,
        "seconds": f"{kept.story.steps[-1].seconds:.0f}",
        "steps": kept.spec.steps,
        "prompts": look.prompts,
        "total": f"{started.total_params:,}",
        "gigabytes": f"{2 * started.total_params / 1e9:.2f}",
        "model": MODELS[kept.spec.model].title,
        "drift": f"{100 * look.drift:.2g}",
    }


def see(view: View) -> None:
    """Base and tuned answers side by side."""
    kept = shown()
    if kept and kept.story.latest:
        caption = label("start.answers", model=MODELS[kept.spec.model].title, label=kept.label.text)
        answers_table(kept.story.latest.answers, caption, shown=4)


def idea(view: View) -> None:
    """The map of the methods, and the glossary."""
    _map()
    glossary_panel()


def _map() -> None:
    """One row a method: what may move, what is stored for a task, where its lesson is."""
    rows = table("start/map")["row"]
    head = "| " + " | ".join(table("start/map")["head"].values()) + " |\n|---|---|---|---|\n"
    st.markdown(head + "".join(f"| [{row['name']}](/{row['page']}) | {row['moves']} | {row['keeps']} | {row['when']} |\n" for row in rows))


def run(view: View) -> None:
    """On to the first lesson with a run of one's own."""
    pages = st.session_state.get("pages", {})
    if st.button(label("start.open_lora"), type="primary", key="next"):
        done(view.learner, "start", "run")
        st.switch_page(pages["lora"])
    if st.button(label("start.open_full"), key="next-full"):
        done(view.learner, "start", "run")
        st.switch_page(pages["full-fine-tuning"])


def read(view: View) -> None:
    kept = shown()
    if kept:
        st.caption(kept.label.text)
        for finding in findings(kept.story):
            prose("read", finding.key, **finding.values)


def prompts(view: View) -> int:
    kept = shown()
    return kept.story.latest.prompts if kept and kept.story.latest else 32


def truth(view: View) -> int:
    kept = shown()
    look = kept.story.latest if kept else None
    return round(look.score * look.prompts) if look else 0


LESSON = Lesson(
    "start",
    title="start.title",
    claims=("7b-one-a100",),
    code={"loop": ("engine/training/loop.py", "optimise"), "loss": ("engine/objectives/sft.py", "sft_loss")},
    numbers=numbers,
    parts={"see": see, "idea": idea, "run": run, "read": read},
    prompts=prompts,
    truth=truth,
)
