"""Run it: submit, watch, cancel. The run lives in its own process; this panel only asks and reads."""

from __future__ import annotations

import datetime

import streamlit as st

from engine import jobs
from engine.catalog.device import resolve
from engine.catalog.models import MODELS, is_nano
from engine.catalog.tasks import TASKS
from engine.contracts import DeltaLabError, RunSpec
from engine.doctor import Story
from engine.recorded import find_recording
from lessons.panels.answers import answers_table
from lessons.panels.arena_field import compare_link
from lessons.panels.current import PARAMETER, Shown, own
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import label
from viz import learning_curve, loss_curve
from viz.label import moment_text

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
        st.caption(_until(spec, shown))
        _curves(shown, "recorded")
        _answers(shown.story)


def _until(spec: RunSpec | None, shown: Shown) -> str:
    """What is shown before the learner's own run, and of which model and task where they are not the chosen ones."""
    if spec is None or (spec.model, spec.task) == (shown.spec.model, shown.spec.task):
        return label("run.until", label=shown.label.text)
    return label("run.until_other", label=shown.label.text, model=MODELS[shown.spec.model].title, task=TASKS[shown.spec.task].title)


def _start(spec: RunSpec, run: jobs.RunStatus | None) -> None:
    keep = ask_to_keep(spec, "run-keep")
    twin = jobs.find_finished(spec, keep_model=keep)
    current = run is not None and run.run_id == twin
    left, right = st.columns(2)
    if twin is None or current:
        name = label("run.anew") if current else label("run.start") + about(spec)
        if left.button(name, type="secondary" if current else "primary", key="run-start", width="stretch"):
            _submit(spec, keep, anew=current)
        return
    ended = jobs.status(twin).ended
    when = moment_text(datetime.datetime.fromtimestamp(ended)) if ended else label("run.before")
    if left.button(label("run.show", when=when), type="primary", key="run-show", width="stretch", help=label("run.show_help")):
        _show(twin)
    if right.button(label("run.anew"), key="run-anew", width="stretch"):
        _submit(spec, keep, anew=True)


def about(spec: RunSpec) -> str:
    """How long it took when it was recorded, in proportion to the steps; nothing where nothing is known."""
    known = find_recording(spec.model, spec.task, spec.method, spec.objective)
    ended = known.events[-1] if known else None
    result = getattr(ended, "result", None)
    if not known or not result:
        return ""
    fixed = max(0.0, result["seconds"] - _training_seconds(known.events))
    seconds = fixed + _training_seconds(known.events) * spec.steps * spec.micro_batch / (known.spec.steps * known.spec.micro_batch)
    return label("run.about", seconds=max(1, round(seconds)))


def _training_seconds(events: tuple) -> float:
    return max((getattr(event, "seconds", 0.0) for event in events), default=0.0)


def ask_to_keep(spec: RunSpec, key: str) -> bool:
    """Whether a full fine-tuning leaves its whole weights behind, with what they take; other methods leave theirs anyway."""
    if spec.method != "full":
        return False
    title = label("run.keep", size=f" ({_weights_size(spec)})") if spec.model in MODELS else label("run.keep", size="")
    return st.checkbox(title, key=key, help=label("run.keep_help"), persist_state="session")


def _weights_size(spec: RunSpec) -> str:
    """What the saved weights of a catalogue model take, in the dtype that the run computes in here."""
    gigabytes = MODELS[spec.model].parameters * (2 if resolve(spec.dtype).dtype == "bf16" else 4) / 1e9
    if gigabytes < 0.1:
        return label("choose.megabytes", value=f"{1000 * gigabytes:.2g}")
    return label("choose.gigabytes", value=f"{gigabytes:.2g}")


def _submit(spec: RunSpec, keep: bool, anew: bool) -> None:
    try:
        _show(jobs.submit(spec, keep_model=keep, anew=anew))
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
        last = story.steps[-1] if story.steps else None
        left = label("run.left", seconds=f"{last.seconds_left:.0f}") if last else ""
        steps = label("run.step", step=last.step, steps=last.steps) if last else label("run.starting")
        doing = f" · {story.phase.name}: {story.phase.detail}" if story.phase and story.phase.name != "training" else ""
        st.progress(story.progress, f"{steps}{left}{doing}")
        st.caption(label(f"run.watch_{run.spec.objective if run.spec.eval_every else 'blind'}"))
    leaves_nothing = run.spec.method == "full" and not run.keep_model
    help_ = label("run.cancel_help_full" if leaves_nothing else "run.cancel_help")
    if st.button(label("run.cancel"), key="run-cancel", disabled=run.cancelling, help=help_):
        jobs.cancel(run.run_id)
        st.rerun(scope="fragment")


def _ending(run: jobs.RunStatus) -> None:
    if run.state == "done" and run.result:
        st.success(label("run.done", seconds=f"{run.result['seconds']:.0f}"), icon=":material/check:")
        compare_link(run.spec, run.run_id)
    elif run.state == "cancelled":
        st.info(run.sentence, icon=":material/stop_circle:")
    elif run.state == "failed":
        st.error(f"{run.sentence} {run.remedy}")
    if run.artifacts_removed:
        st.caption(label("run.removed"))


def _numbers(story: Story) -> None:
    last = story.steps[-1]
    look = story.latest or story.base
    cells = st.columns(3)
    cells[0].metric(label("run.loss"), f"{last.loss:.2f}")
    cells[1].metric(label("run.speed"), f"{last.tokens_per_second:,.0f}")
    cells[2].metric(label("run.score" if story.latest else "run.score_base"), f"{100 * look.score:.0f}%" if look else "–")


def _curves(shown: Shown, key: str) -> None:
    for scene in curve_scenes(shown):
        stage(scene, key=f"{key}-{scene.title}")


def curve_scenes(shown: Shown) -> list[Scene]:
    """The training loss, and what held-out prompts say once the model was looked at."""
    story, truth = shown.story, shown.label
    losses = loss_curve.get_loss_curve_info([s.step for s in story.steps], [s.loss for s in story.steps], shown.spec.steps, truth)
    words, tables = loss_curve.describe_loss_curve(losses), (loss_curve.loss_curve_table(losses),)
    scenes = [plain_stage(label("run.curve_loss"), loss_curve.draw_loss_curve(losses), words, tables, height_px=310)]
    looks = learning_curve.get_learning_curve_info([(e.step, e.score, e.fact_score, e.drift) for e in story.looks], truth)
    if looks.looks:
        words, tables = learning_curve.describe_learning_curve(looks), (learning_curve.learning_curve_table(looks),)
        scenes.append(plain_stage(label("run.curve_heldout"), learning_curve.draw_learning_curve(looks), words, tables, height_px=310))
    return scenes


def _answers(story: Story) -> None:
    look = story.latest or story.base
    if look:
        when = label("run.after_step", step=look.step) if look.step else label("run.of_base")
        answers_table(look.answers, label("run.answered", when=when))
