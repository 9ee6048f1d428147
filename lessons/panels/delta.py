"""The 3D panel: choose a matrix, see its B, A and ΔW, and its spectrum beside full fine-tuning's."""

from __future__ import annotations

import streamlit as st

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.catalog.models import MODELS
from engine.contracts import DeltaLabError, RunError, RunSpec
from engine.recorded import Delta
from lessons.panels.current import Shown, own, recorded
from lessons.stage import stage
from lessons.stage.scene import Scene, delta_stage
from viz import spectrum as spectra
from viz.delta_scene import get_delta_scene_info
from viz.label import TruthLabel

KINDS = ("q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def delta_panel(shown: Shown | None, key: str) -> str | None:
    """Matrix choice and scene; returns the matrix's name. Without a ΔW it says how to get one."""
    if shown is None or shown.delta is None or not shown.delta.drawable:
        stage(None, key=key, empty="Press Run to see your own ΔW here.")
        return None
    name = _matrix(shown.delta, key)
    other = counterpart(shown.spec)
    try:
        stage(_scene(str(shown.delta.folder), name, shown.label, other.label if other else None, shown, other), key=key)
    except RunError as error:
        st.error(str(error))
        return None
    return name


@st.cache_resource(max_entries=64, show_spinner=False)
def _scene(folder: str, name: str, label: TruthLabel, other_label: TruthLabel | None, _shown: Shown, _other: Shown | None) -> Scene:
    """The scene of one matrix, drawn once; folder, name and labels are the key of the cache.

    Raises:
        RunError: The files of ΔW are damaged; nothing is kept then.
    """
    assert _shown.delta is not None and str(_shown.delta.folder) == folder
    found, row = _shown.delta.directions(name), _shown.delta.matrices[name]
    info = get_delta_scene_info(found.left, found.right, matrix=name, label=label, b=found.b, a=found.a, norm=row["norm"])
    beside = _spectrum(_other.delta, name, "full fine-tuning", _other.label) if _other and _other.delta else None
    moved = row["norm"] / row["weight_norm"]
    return delta_stage(info, caption=f"{_shown.whose.capitalize()}. ‖ΔW‖ is {100 * moved:.2g}% of ‖W‖ here.", other=beside)


def spectrum_panel(shown: Shown, name: str, key: str) -> None:
    """Singular values of the chosen matrix beside full fine-tuning's, and a button for the exact counterpart."""
    if shown.delta is None:
        return
    lines = [_spectrum(shown.delta, name, f"{shown.whose}, {shown.spec.method}", shown.label)]
    other = counterpart(shown.spec)
    if other and other.delta and name in other.delta.matrices:
        same = other.spec.seed == shown.spec.seed and other.spec.steps == shown.spec.steps and other.spec.examples == shown.spec.examples
        lines.append(_spectrum(other.delta, name, "full fine-tuning" if same else "full fine-tuning, another run", other.label))
    info = spectra.get_spectrum_info(name, [line for line in lines if line is not None])
    figure, words = spectra.draw_spectrum(info), spectra.describe_spectrum(info)
    stage(Scene(figure, f"Spectrum of ΔW {name}", shown.label.text, words, spectra.spectrum_tables(info), height_px=420), key=key)
    _offer(shown.spec)


def counterpart_spec(spec: RunSpec) -> RunSpec:
    """The same run with every weight free, at full fine-tuning's own learning rate."""
    same = {name: getattr(spec, name) for name in ("steps", "micro_batch", "examples", "eval_every", "seed", "dtype")}
    return default_spec(spec.model, spec.task, "full", **same)


def counterpart(spec: RunSpec) -> Shown | None:
    """Full fine-tuning of the same data and seed: the learner's where it ran, else the recorded one."""
    wanted = counterpart_spec(spec)
    kept = recorded(spec.model, spec.task, "full")
    if kept and kept.spec == wanted:
        return kept
    run_id = jobs.find_finished(wanted)
    if run_id is not None:
        return own(jobs.status(run_id))
    return kept


def _offer(spec: RunSpec) -> None:
    """One button for the counterpart that is not there yet, with its time."""
    wanted = counterpart_spec(spec)
    kept = recorded(spec.model, spec.task, "full")
    if (kept and kept.spec == wanted) or jobs.find_finished(wanted) is not None:
        return
    seconds = kept.story.ended.result["seconds"] if kept and kept.story.ended and kept.story.ended.result else None
    about = f", about {seconds * wanted.steps / kept.spec.steps:.0f} s" if seconds and kept else ""
    st.caption("The line of full fine-tuning comes from another run than yours until its counterpart has run.")
    size = MODELS[spec.model].bytes if spec.model in MODELS else 0
    keep = st.checkbox(
        f"Keep the whole model ({size / 1e6:,.0f} MB)", key="counterpart-keep", help="Else the top 64 directions of each ΔW."
    )
    if st.button(f"Train the full counterpart of this run{about}", key="counterpart"):
        try:
            jobs.submit(wanted, keep_model=keep)
            st.toast("Queued. The spectrum will show it when it is done.")
        except DeltaLabError as error:
            st.error(str(error))


def _matrix(delta: Delta, key: str) -> str:
    rows = [delta.matrices[name] for name in delta.drawable]
    layers = sorted({row["layer"] for row in rows})
    left, right = st.columns(2)
    layer = left.selectbox("Layer", layers, index=len(layers) // 2, key=f"{key}-layer", help="Blocks of the model, counted from 0.")
    kinds = sorted((row["kind"] for row in rows if row["layer"] == layer), key=lambda k: KINDS.index(k) if k in KINDS else 99)
    kind = right.selectbox(
        "Matrix", kinds, key=f"{key}-kind", help="Its name in the model: q, k, v and o are attention's, the others the MLP's."
    )
    return next(row["name"] for row in rows if (row["layer"], row["kind"]) == (layer, kind))


def _spectrum(delta: Delta, name: str, title: str, label: TruthLabel) -> spectra.Spectrum | None:
    row = delta.matrices.get(name)
    return spectra.get_spectrum(title, row["spectrum"], label, norm=row["norm"]) if row else None
