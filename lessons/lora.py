"""The LoRA lesson."""

from __future__ import annotations

import streamlit as st

from engine.catalog.defaults import default_spec
from engine.catalog.models import MODELS
from engine.catalog.tasks import TASKS
from engine.contracts import RunSpec
from engine.doctor import findings
from lessons import arc
from lessons.panels import current
from lessons.panels.code import show_code
from lessons.panels.delta import delta_panel, spectrum_panel
from lessons.panels.dials import dials
from lessons.panels.predict import predict, score_prediction
from lessons.panels.quiz import quiz
from lessons.panels.run import run_panel
from lessons.stage.learner import learner_id
from lessons.text import prose, read

PAGE = "lora"
CODE = {
    "The adapter": ("engine/adapt/lora.py", "LoRA"),
    "The loss": ("engine/objectives/sft.py", "sft_loss"),
    "The loop": ("engine/training/loop.py", "optimise"),
}


def page() -> None:
    """Predict, idea, see, run, read, code, quiz."""
    arc.header(PAGE, lead=read(PAGE, "lead"))
    learner = learner_id()
    run = current.run_in_address()
    model, task = _cell(run.spec if run else None)
    kept = current.recorded(model, task, "lora")
    shown = current.own(run) if run and run.state == "done" else kept
    if run and run.state == "done" and shown and shown.story.latest:
        score_prediction(PAGE, learner, run.run_id, shown.story.latest.score, shown.story.latest.prompts)
    with arc.body():
        with arc.part("predict"):
            _predict(model, task, learner)
        with arc.part("idea"):
            _idea(shown.spec if shown else default_spec(model, task))
        with arc.stage_place():
            name = delta_panel(shown, key="lora-delta")
        with arc.part("see"):
            prose(PAGE, "see", whose=shown.whose if shown else "your run")
            if shown and name:
                prose(PAGE, "spectrum", rank=shown.spec.rank)
                spectrum_panel(shown, name, key="lora-spectrum")
        with arc.part("run"):
            prose(PAGE, "run")
            spec = dials("lora")
            run_panel(spec, run, kept)
        with arc.part("read"):
            if shown:
                st.caption(f"{shown.whose.capitalize()} · {shown.label.text.partition(' · ')[2]}")
                for finding in findings(shown.story):
                    prose("read", finding.key, **finding.values)
        with arc.part("code"):
            prose(PAGE, "code")
            show_code(CODE)
        with arc.part("quiz"):
            quiz(PAGE, learner, count=3, page=f"/{PAGE}")


def _cell(spec: RunSpec | None) -> tuple[str, str]:
    """Model and task of the run, else of the dials."""
    if spec is not None:
        return spec.model, spec.task
    model = st.session_state.get("dial-model") or st.query_params.get("model", "")
    if model not in MODELS:
        model = next(iter(MODELS))
    task = st.session_state.get("dial-task") or st.query_params.get("task", "")
    return model, task if task in MODELS[model].tasks else MODELS[model].tasks[0]


def _predict(model: str, task: str, learner: str | None) -> None:
    spec, prompts = default_spec(model, task), TASKS[task].heldout_examples
    kept = current.recorded(model, task, "lora")
    started = kept.story.started if kept else None
    share = f"{100 * started.trainable_params / started.total_params:.1f}%" if started else "a small share"
    part = "predict-nano" if TASKS[task].models == "nano" else "predict"
    prose(PAGE, part, examples=spec.examples, steps=spec.steps, micro_batch=spec.micro_batch, share=share, prompts=prompts)
    predict(PAGE, prompts, learner, spec.hash)


def _idea(spec: RunSpec) -> None:
    out, in_ = MODELS[spec.model].linear_modules["down_proj"]
    rank = spec.rank or 8
    thin, full = rank * (out + in_), out * in_
    prose(PAGE, "idea", out=out, in_=in_, rank=rank, thin=f"{thin:,}", full=f"{full:,}", ratio=f"{full / thin:.0f}")
