"""What goes to the browser: small, exact, and plain JSON."""

from __future__ import annotations

import base64
import gzip
import json

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.utils import PlotlyJSONEncoder

from lessons.stage.scene import delta_stage, payload, plain_stage
from viz.delta_scene import get_delta_scene_info
from viz.label import titled, truth_label
from viz.spectrum import get_spectrum

LABEL = truth_label("illustration")


def info_of(m: int, n: int, k: int, trained: bool):
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    factors = {"b": left, "a": right} if trained else {}
    return get_delta_scene_info(left, right, matrix="model.layers.3.mlp.down_proj", label=LABEL, **factors)


def decode(text: str, rows: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").reshape(rows, -1)


@pytest.mark.parametrize(("k", "trained"), [(8, True), (64, False)])
def test_payload_is_small_and_its_factors_give_delta(k: int, trained: bool) -> None:
    info = info_of(1536, 1536, k, trained)
    other = get_spectrum("full", [1.0] * 64, LABEL)
    data = payload(delta_stage(info, other=other), "delta")
    text = json.dumps(data, cls=PlotlyJSONEncoder)
    assert len(gzip.compress(text.encode())) <= 400_000
    rank = json.loads(text)["rank"]
    np.testing.assert_allclose(decode(rank["left"], 96) @ decode(rank["right"], k), info.product, atol=1e-4)
    assert (rank["b"] is not None) == trained and rank["k"] == k and len(rank["energy"]) == k


def test_download_name_is_a_plain_file_name() -> None:
    assert payload(delta_stage(info_of(8, 8, 2, True)), "x")["file"] == "delta-layer-3-down-proj"


def test_full_delta_beside_is_sent_whole_and_must_be_of_the_same_matrix() -> None:
    mine, full = info_of(576, 192, 4, True), info_of(576, 192, 16, False)
    beside = payload(delta_stage(mine, beside=full), "delta")["rank"]["beside"]
    np.testing.assert_allclose(decode(beside["left"], 96) @ decode(beside["right"], 16), full.product, atol=1e-4)
    assert beside["words"].startswith("ΔW of full fine-tuning, illustration<br>all of it")
    with pytest.raises(ValueError, match="they must be the same matrix"):
        delta_stage(mine, beside=info_of(192, 576, 4, False))


def test_a_matrix_of_which_not_all_is_drawn_says_so_in_its_caption() -> None:
    assert payload(delta_stage(info_of(96, 96, 2, True), caption="Mine."), "x")["caption"] == "Mine."
    thinned = payload(delta_stage(info_of(1536, 96, 2, True), caption="Mine."), "x")["caption"]
    assert thinned == "Mine. 96 of 1,536 rows and 96 of 96 columns are drawn, evenly spaced, each with its exact value."


def test_a_plain_scene_takes_its_label_from_its_figure() -> None:
    figure = go.Figure().update_layout(**titled("Waves", truth_label("recorded", "2026-11-22", 3)))
    scene = plain_stage("Waves", figure, "words", (), frame_word="Angle", frame_start=2)
    data = payload(scene, "waves")
    assert (scene.label, data["frame_word"], data["frame_start"], data["rank"]) == ("recorded · 22 Nov 2026 · seed 3", "Angle", 2, None)
