"""The 3D panel: choose a matrix, see its B, A and ΔW, and its spectrum beside full fine-tuning's."""

from __future__ import annotations

import streamlit as st

from engine import jobs
from engine.catalog.defaults import default_spec
from engine.contracts import DeltaLabError, RunError, RunSpec
from engine.recorded import Delta
from lessons.panels.current import Shown, own, recorded
from lessons.panels.run import ask_to_keep
from lessons.panels.wait import wait_for
from lessons.stage import stage
from lessons.stage.scene import Scene, delta_stage, plain_stage
from lessons.text import label
from viz import spectrum as spectra
from viz.delta_scene import DeltaSceneInfo, get_delta_scene_info
from viz.label import TruthLabel

KINDS = ("q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def delta_panel(shown: Shown | None, key: str) -> None:
    """Matrix choice and scene. Without a ΔW it says how to get one."""
    if shown is None or shown.delta is None or not shown.delta.drawable:
        stage(None, key=key, empty=label("delta.empty"))
        return
    name = _matrix(shown.delta, key)
    other = counterpart(shown.spec)
    try:
        stage(matrix_scene(shown, name, other), key=key)
    except RunError as error:
        st.error(str(error))


def matrix_scene(shown: Shown, name: str, other: Shown | None) -> Scene:
    """B, A and ΔW of one matrix, with the other run's spectrum marked. Raises RunError where the files of ΔW are damaged."""
    assert shown.delta is not None
    return _scene(str(shown.delta.folder), name, shown.label, other.label if other else None, shown, other)


@st.cache_resource(max_entries=64, show_spinner=False)
def _scene(folder: str, name: str, truth: TruthLabel, other_label: TruthLabel | None, _shown: Shown, _other: Shown | None) -> Scene:
    """The scene of one matrix, drawn once; folder, name and labels are the key of the cache.

    Raises:
        RunError: The files of ΔW are damaged; nothing is kept then.
    """
    assert _shown.delta is not None and str(_shown.delta.folder) == folder
    found, row = _shown.delta.directions(name), _shown.delta.matrices[name]
    info = get_delta_scene_info(found.left, found.right, matrix=name, label=truth, b=found.b, a=found.a, norm=row["norm"])
    beside = _spectrum(_other.delta, name, beside_name(_shown.spec, _other), _other.label) if _other and _other.delta else None
    moved = row["norm"] / row["weight_norm"]
    caption = label("delta.caption", whose=capitalised(_shown.whose), moved=f"{100 * moved:.2g}")
    return delta_stage(info, caption=caption, other=beside, beside=_full(_other, name) if _shown.spec.method != "full" else None)


def _full(other: Shown | None, name: str) -> DeltaSceneInfo | None:
    """Full fine-tuning's ΔW of the same matrix, where its directions were kept."""
    if other is None or other.delta is None or name not in other.delta.drawable:
        return None
    found, row = other.delta.directions(name), other.delta.matrices[name]
    return get_delta_scene_info(found.left, found.right, matrix=name, label=other.label, norm=row["norm"])


def spectrum_panel(shown: Shown, key: str) -> None:
    """Singular values of the matrix that the panel `key` shows beside full fine-tuning's, and a button for the exact counterpart."""
    name = _chosen(shown.delta, key)
    if shown.delta is None or name is None:
        return
    stage(spectrum_scene(shown, name, counterpart(shown.spec)), key=f"{key}-spectrum")
    if shown.spec.method != "full":
        _offer(shown.spec)


def spectrum_scene(shown: Shown, name: str, other: Shown | None) -> Scene:
    """Singular values of one matrix's ΔW, beside the other run's where it has them."""
    method = label(f"methods.{shown.spec.method}")
    lines = [_spectrum(shown.delta, name, label("delta.line", whose=shown.whose, method=method), shown.label)]
    if other and other.delta:
        lines.append(_spectrum(other.delta, name, beside_name(shown.spec, other), other.label))
    info = spectra.get_spectrum_info(name, [line for line in lines if line is not None])
    words, tables = spectra.describe_spectrum(info), spectra.spectrum_tables(info)
    return plain_stage(label("delta.spectrum", name=name), spectra.draw_spectrum(info), words, tables, height_px=420)


def beside_name(spec: RunSpec, other: Shown) -> str:
    """What the second line is called: full fine-tuning, the same run or another; beside full fine-tuning itself, LoRA."""
    if spec.method == "full":
        return label("delta.lora_other", whose=other.whose)
    same = (other.spec.seed, other.spec.steps, other.spec.examples) == (spec.seed, spec.steps, spec.examples)
    return label("delta.full" if same else "delta.full_other")


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def counterpart_spec(spec: RunSpec) -> RunSpec:
    """The same run with every weight free, at full fine-tuning's own learning rate."""
    same = {name: getattr(spec, name) for name in ("steps", "micro_batch", "examples", "eval_every", "seed", "dtype")}
    return default_spec(spec.model, spec.task, "full", **same)


def counterpart(spec: RunSpec) -> Shown | None:
    """Full fine-tuning of the same data and seed: the learner's where it ran, else the recorded one. For full fine-tuning, LoRA's."""
    if spec.method == "full":
        return recorded(spec.model, spec.task, "lora")
    wanted = counterpart_spec(spec)
    kept = recorded(spec.model, spec.task, "full")
    if kept and kept.spec == wanted:
        return kept
    return _trained(wanted) or kept


def _trained(wanted: RunSpec) -> Shown | None:
    """The learner's run of that spec whose ΔW is still there."""
    run_id = jobs.find_finished(wanted)
    run = jobs.status(run_id) if run_id else None
    return own(run) if run and not run.artifacts_removed else None


def _offer(spec: RunSpec) -> None:
    """One button for the counterpart that is not there yet, with its time; while it waits or trains, how far it is."""
    wanted = counterpart_spec(spec)
    kept = recorded(spec.model, spec.task, "full")
    if (kept and kept.spec == wanted) or _trained(wanted):
        return
    latest = next((run for run in jobs.recent() if run.spec == wanted), None)
    if latest is not None and latest.live:
        st.caption(label("delta.counterpart_then"))
        wait_for(latest.run_id, "delta.counterpart_waits", "counterpart")
        return
    if latest is not None and latest.state == "failed":
        st.error(f"{latest.sentence} {latest.remedy}")
    seconds = kept.story.ended.result["seconds"] if kept and kept.story.ended and kept.story.ended.result else None
    about = label("delta.counterpart_about", seconds=f"{seconds * wanted.steps / kept.spec.steps:.0f}") if seconds and kept else ""
    st.caption(label("delta.counterpart_caption"))
    keep = ask_to_keep(wanted, "counterpart-keep")
    if st.button(label("delta.counterpart", about=about), key="counterpart"):
        try:
            jobs.submit(wanted, keep_model=keep)
            st.rerun()
        except DeltaLabError as error:
            st.error(str(error))


def _matrix(delta: Delta, key: str) -> str:
    rows = [delta.matrices[name] for name in delta.drawable]
    layers = sorted({row["layer"] for row in rows})
    left, right = st.columns(2)
    layer = left.selectbox(label("delta.layer"), layers, index=len(layers) // 2, key=f"{key}-layer", help=label("delta.layer_help"))
    kinds = sorted((row["kind"] for row in rows if row["layer"] == layer), key=lambda k: KINDS.index(k) if k in KINDS else 99)
    kind = right.selectbox(label("delta.matrix"), kinds, key=f"{key}-kind", help=label("delta.matrix_help"))
    name: str = next(row["name"] for row in rows if (row["layer"], row["kind"]) == (layer, kind))
    return name


def _chosen(delta: Delta | None, key: str) -> str | None:
    """The matrix that the panel's boxes stand at."""
    wanted = (st.session_state.get(f"{key}-layer"), st.session_state.get(f"{key}-kind"))
    rows = [delta.matrices[name] for name in delta.drawable] if delta else []
    return next((row["name"] for row in rows if (row["layer"], row["kind"]) == wanted), None)


def _spectrum(delta: Delta | None, name: str, title: str, truth: TruthLabel) -> spectra.Spectrum | None:
    row = delta.matrices.get(name) if delta else None
    return spectra.get_spectrum(title, row["spectrum"], truth, norm=row["norm"]) if row else None
