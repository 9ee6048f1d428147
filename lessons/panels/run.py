"""Run it: submit, watch, cancel. The run lives in its own process; this panel only asks and reads."""

from __future__ import annotations

import datetime

import streamlit as st

from engine import jobs
from engine.catalog.models import is_nano
from engine.contracts import DeltaLabError, RunSpec
from engine.doctor import Story
from engine.recorded import find_recording
from lessons.panels.answers import answers_table
from lessons.panels.current import PARAMETER, Shown, own
from lessons.stage import stage
from lessons.stage.scene import Scene
from viz import learning_curve, loss_curve

POLL_SECONDS = {True: 0.4, False: 1.0}
"""Between two looks at a live run, by whether it is a nano model's, whose steps come fast. Each look costs some of the
machine that trains."""


def run_panel(spec: RunSpec | None, run: jobs.RunStatus | None, shown: Shown | None) -> None:
    """The button, and below it the run of the address as it goes; before there is one, the recorded run."""
    jobs.ensure_supervisor()  # a worker warms up while the learner reads, so that the first step comes soon after the click
    live = run is not None and run.live
    if spec is not None and not live:
        _start(spec, run)
    if run is not None:
        every = POLL_SECONDS[is_nano(run.spec.model)] if live else None
        st.fragment(_watch, run_every=every)(run.run_id, live)
    elif shown is not None:
        st.caption(f"Until then you see another run: {shown.label.text}.")
        _curves(shown, "recorded")
        _answers(shown.story)


def _start(spec: RunSpec, run: jobs.RunStatus | None) -> None:
    twin = jobs.find_finished(spec)
    current = run is not None and run.run_id == twin
    left, right = st.columns(2)
    if twin is None or current:
        label = "Run it anew" if current else f"Run it{_about(spec)}"
        if left.button(label, type="primary", key="run-start", width="stretch"):
            _submit(spec, anew=current)
        return
    ended = jobs.status(twin).ended
    when = datetime.datetime.fromtimestamp(ended).strftime("%-d %b %H:%M") if ended else "before"
    if left.button(f"Show the run of {when}", type="primary", key="run-show", width="stretch", help="These very settings ran already."):
        _show(twin)
    if right.button("Run it anew", key="run-anew", width="stretch"):
        _submit(spec, anew=True)


def _about(spec: RunSpec) -> str:
    """How long it took when it was recorded, in proportion to the steps; nothing where nothing is known."""
    known = find_recording(spec.model, spec.task, spec.method)
    ended = known.events[-1] if known else None
    result = getattr(ended, "result", None)
    if not known or not result:
        return ""
    fixed = max(0.0, result["seconds"] - _training_seconds(known.events))
    seconds = fixed + _training_seconds(known.events) * spec.steps * spec.micro_batch / (known.spec.steps * known.spec.micro_batch)
    return f" · about {max(1, round(seconds))} s"


def _training_seconds(events: tuple) -> float:
    return max((getattr(event, "seconds", 0.0) for event in events), default=0.0)


def _submit(spec: RunSpec, anew: bool) -> None:
    try:
        _show(jobs.submit(spec, anew=anew))
    except DeltaLabError as error:
        st.error(str(error))


def _show(run_id: str) -> None:
    st.query_params[PARAMETER] = run_id
    st.rerun()


def _watch(run_id: str, was_live: bool) -> None:
    run = jobs.status(run_id)
    shown = own(run)
    if run.live:
        _progress(run, shown.story)
    else:
        if was_live:
            st.rerun(scope="app")
        _ending(run)
    if shown.story.steps:
        _numbers(shown.story)
        _curves(shown, "own")
    _answers(shown.story)


def _progress(run: jobs.RunStatus, story: Story) -> None:
    if run.state == "queued":
        st.progress(0.0, run.sentence)
    else:
        left = f" · {story.steps[-1].seconds_left:.0f} s left" if story.steps else ""
        steps = f"step {story.steps[-1].step} of {story.steps[-1].steps}" if story.steps else "starting"
        doing = f" · {story.phase.name}: {story.phase.detail}" if story.phase and story.phase.name != "training" else ""
        st.progress(story.progress, f"{steps}{left}{doing}")
    if st.button("Cancel", key="run-cancel", disabled=run.cancelling, help="Stops within a second; what was learned so far is kept."):
        jobs.cancel(run.run_id)
        st.rerun(scope="fragment")


def _ending(run: jobs.RunStatus) -> None:
    if run.state == "done" and run.result:
        seconds = run.result["seconds"]
        st.success(f"Done in {seconds:.0f} s, loading and scoring included.", icon=":material/check:")
    elif run.state == "cancelled":
        st.info(run.sentence, icon=":material/stop_circle:")
    elif run.state == "failed":
        st.error(f"{run.sentence} {run.remedy}")
    if run.artifacts_removed:
        st.caption("Its weights were removed to make room; its numbers stay.")


def _numbers(story: Story) -> None:
    last = story.steps[-1]
    look = story.latest or story.base
    cells = st.columns(3)
    cells[0].metric("Loss, nats", f"{last.loss:.2f}")
    cells[1].metric("Tokens a second", f"{last.tokens_per_second:,.0f}")
    cells[2].metric("Held-out score", f"{100 * look.score:.0f}%" if look else "–")


def _curves(shown: Shown, key: str) -> None:
    story, label = shown.story, shown.label
    info = loss_curve.get_loss_curve_info([s.step for s in story.steps], [s.loss for s in story.steps], shown.spec.steps, label)
    _flat(
        loss_curve.draw_loss_curve(info),
        "Training loss",
        label.text,
        loss_curve.describe_loss_curve(info),
        (loss_curve.loss_curve_table(info),),
        key,
    )
    looks = learning_curve.get_learning_curve_info([(e.step, e.score, e.fact_score, e.drift) for e in story.looks], label)
    if looks.looks:
        words, tables = learning_curve.describe_learning_curve(looks), (learning_curve.learning_curve_table(looks),)
        _flat(learning_curve.draw_learning_curve(looks), "Held-out prompts", label.text, words, tables, key)


def _flat(figure, title: str, label: str, words: str, tables: tuple, key: str) -> None:
    stage(Scene(figure, title, label, words, tables, height_px=280), key=f"{key}-{title}")


def _answers(story: Story) -> None:
    look = story.latest or story.base
    if look:
        step = f"after step {look.step}" if look.step else "of the base model"
        answers_table(look.answers, f"Held-out prompts, answered {step}")
