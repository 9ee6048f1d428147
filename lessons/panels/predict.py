"""Commit to a number before the answer is known; a run, or a sum on the page, scores it."""

from __future__ import annotations

import streamlit as st

from engine.store import predictions
from lessons.panels.progress import done
from lessons.text import label


def predict(
    page: str,
    most: int,
    learner: str | None,
    spec_hash: str | None = None,
    truth: int | None = None,
    asks: str = "predict.asks",
    seen: str | None = None,
) -> None:
    """A slider and a button; once committed, the number stands until a run has scored it.

    Args:
        page: Address of the lesson.
        most: The slider goes from 0 to this.
        learner: Whose prediction it is; None for the moment before the browser has said.
        spec_hash: The run that it is about.
        truth: The number where the page knows it already, from a recorded run or a sum; it scores the prediction at once.
        asks: Label of the slider.
        seen: Id of a finished run in view, whose outcome the learner knows already.
    """
    latest = _latest(page, learner)
    if latest is not None and not st.session_state.get(f"predict-again-{page}"):
        done(learner, page, "predict")
        _standing(page, latest)
        return
    st.slider(label(asks), 0, most, most // 2, key=f"predict-{page}", help=label("predict.help"))
    commit = (page, most, learner, spec_hash, truth, seen)
    st.button(label("predict.commit"), key=f"predict-commit-{page}", disabled=learner is None, on_click=_commit, args=commit)


def _commit(page: str, most: int, learner: str, spec_hash: str | None, truth: int | None, seen: str | None) -> None:
    value = st.session_state[f"predict-{page}"]
    made = predictions.save(learner, page, {"answers": value, "of": most}, spec_hash=spec_hash, run_id=seen)
    if truth is not None:
        predictions.score(made, {"answers": truth, "of": most}, 1 - abs(value - truth) / most)
    st.session_state[f"predict-again-{page}"] = False


def score_prediction(page: str, learner: str | None, run_id: str, score: float, prompts: int) -> None:
    """Hold the learner's open prediction against a finished run, once: the first run counts that was not in view when it was made."""
    latest = _latest(page, learner)
    if latest is None or latest.score is not None or latest.run_id == run_id:
        return
    outcome = round(score * prompts)
    guess = latest.value["answers"] / latest.value["of"]
    predictions.score(latest.id, {"answers": outcome, "of": prompts}, 1 - abs(guess - score), run_id=run_id)


def _standing(page: str, latest: predictions.PredictionRow) -> None:
    said = label("predict.said", said=latest.value["answers"], of=latest.value["of"])
    if latest.outcome is None:
        st.info(f"{said} {label('predict.waits')}", icon=":material/flag:")
    else:
        off = abs(latest.value["answers"] / latest.value["of"] - latest.outcome["answers"] / latest.outcome["of"])
        verdict = "predict.spot_on" if off < 0.04 else "predict.close" if off < 0.15 else "predict.off"
        was = label("predict.was", was=latest.outcome["answers"], of=latest.outcome["of"])
        st.success(f"{said} {was} {label(verdict, points=f'{100 * off:.0f}')}", icon=":material/flag:")
    again = {f"predict-again-{page}": True}
    st.button(label("predict.again"), key=f"predict-redo-{page}", type="tertiary", on_click=st.session_state.update, args=(again,))


def _latest(page: str, learner: str | None) -> predictions.PredictionRow | None:
    made = predictions.history(learner, page=page) if learner else []
    return made[-1] if made else None
