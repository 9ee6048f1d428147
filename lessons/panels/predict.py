"""Commit to a number before the run; the run scores it."""

from __future__ import annotations

import streamlit as st

from engine.store import predictions


def predict(page: str, prompts: int, learner: str | None, spec_hash: str) -> None:
    """A slider and a button; once committed, the number stands until a run has scored it."""
    latest = _latest(page, learner)
    if latest is not None and not st.session_state.get(f"predict-again-{page}"):
        _standing(page, latest)
        return
    st.slider("Answers in the new style", 0, prompts, prompts // 2, key=f"predict-{page}", help="Your guess, before you look.")
    commit = (page, prompts, learner, spec_hash)
    st.button("Commit my prediction", key=f"predict-commit-{page}", disabled=learner is None, on_click=_commit, args=commit)


def _commit(page: str, prompts: int, learner: str, spec_hash: str) -> None:
    predictions.save(learner, page, {"answers": st.session_state[f"predict-{page}"], "of": prompts}, spec_hash=spec_hash)
    st.session_state[f"predict-again-{page}"] = False


def score_prediction(page: str, learner: str | None, run_id: str, score: float, prompts: int) -> None:
    """Hold the learner's open prediction against a finished run, once: the first run after it counts."""
    latest = _latest(page, learner)
    if latest is None or latest.score is not None:
        return
    outcome = round(score * prompts)
    guess = latest.value["answers"] / latest.value["of"]
    predictions.score(latest.id, {"answers": outcome, "of": prompts}, 1 - abs(guess - score), run_id=run_id)


def _standing(page: str, latest: predictions.PredictionRow) -> None:
    said = f"You said **{latest.value['answers']} of {latest.value['of']}**."
    if latest.outcome is None:
        st.info(f"{said} Now run it: the run will score your prediction.", icon=":material/flag:")
    else:
        off = abs(latest.value["answers"] / latest.value["of"] - latest.outcome["answers"] / latest.outcome["of"])
        words = "Spot on." if off < 0.04 else "Close." if off < 0.15 else f"Off by {100 * off:.0f} points: that is worth remembering."
        st.success(f"{said} It was **{latest.outcome['answers']} of {latest.outcome['of']}**. {words}", icon=":material/flag:")
    again = {f"predict-again-{page}": True}
    st.button("Predict again", key=f"predict-redo-{page}", type="tertiary", on_click=st.session_state.update, args=(again,))


def _latest(page: str, learner: str | None) -> predictions.PredictionRow | None:
    made = predictions.history(learner, page=page) if learner else []
    return made[-1] if made else None
