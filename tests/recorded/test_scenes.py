"""The recorded scenes hold together: the plane passes through the paths' own ends, the last snapshot is the run's ΔW."""

import json

import numpy as np
import pytest

from engine.contracts import RECIPE, RunSpec
from engine.recorded import find_recording
from engine.recorded.scenes import FOLDER, find_scene
from engine.recorded.table import of_cell
from viz.label import TruthLabel
from viz.loss_landscape import draw_loss_landscape, get_loss_landscape_info

WAYS_ASKED = [{"rate": 1.0, "steps": 1.0, "rehearsal": share} for share in (0.0, 0.01, 0.05, 0.25)]
NAMES = sorted(folder.name for folder in FOLDER.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_is_small_of_todays_recipe_and_says_where_it_comes_from(name):
    scene = find_scene(name)
    assert scene is not None and scene.about["recipe"] == RECIPE, "the recipe changed since: run make record"
    assert scene.about["specs"] and all(RunSpec.from_dict(spec).hash for spec in scene.about["specs"])
    assert scene.about["day"] and scene.about["machine"]["processor"]
    assert sum(path.stat().st_size for path in (FOLDER / name).iterdir()) <= 410_000
    assert all(np.isfinite(array).all() for array in scene.arrays.values() if array.dtype.kind == "f")


def test_the_plane_holds_the_ends_of_both_paths():
    scene = find_scene("landscape-nano-0.5m")
    assert scene is not None
    for method in ("lora", "full"):
        path, losses = scene.arrays[f"{method}.path"], scene.arrays[f"{method}.losses"]
        np.testing.assert_allclose(path[0], 0, atol=1e-4)
        assert path[-1, 2] < 1e-2 * np.hypot(*path[-1, :2]), "the ends span the plane"
        np.testing.assert_allclose(losses[[0, -1], 0], losses[[0, -1], 1], rtol=1e-3)
        assert path[1:-1, 2].min() > 0, "in between a path leaves the plane, and says how far"


def test_the_plane_agrees_with_the_paths_where_they_touch_it():
    """Bilinear interpolation between the four grid points around the end of a path comes near the loss that was measured there."""
    scene = find_scene("landscape-nano-0.5m")
    assert scene is not None
    x, y, loss = (scene.arrays[name] for name in ("x", "y", "loss"))
    for method in ("lora", "full"):
        a, b, _ = scene.arrays[f"{method}.path"][-1]
        i, j = int(np.searchsorted(y, b)) - 1, int(np.searchsorted(x, a)) - 1
        around = loss[i : i + 2, j : j + 2]
        assert around.min() * 0.9 <= scene.arrays[f"{method}.losses"][-1, 1] <= around.max() * 1.1


def test_the_paths_are_drawn_at_their_own_losses_and_stalks_lead_to_the_plane():
    scene = find_scene("landscape-nano-0.5m")
    assert scene is not None
    figure = draw_loss_landscape(get_loss_landscape_info(scene.arrays, "nano-0.5m", TruthLabel("recorded", scene.about["day"])))
    for method in ("lora", "full"):
        there, plane = scene.arrays[f"{method}.losses"][:, 0], scene.arrays[f"{method}.losses"][:, 1]
        path, stalks = (trace for trace in figure.data if trace.meta == method)
        np.testing.assert_allclose(path.z, there, rtol=1e-6)
        ends = np.array(stalks.z).reshape(-1, 3)
        np.testing.assert_allclose(ends[:, 0], there, rtol=1e-6)
        np.testing.assert_allclose(ends[:, 1], plane, rtol=1e-6)
        assert (ends[:, 0] - ends[:, 1]).max() > 0.02, "the walk leaves the plane, and the picture shows it"


def test_the_last_snapshot_is_the_recorded_runs_delta():
    scene, recording = find_scene("playback-nano-0.5m"), find_recording("nano-0.5m", "stories", "lora")
    assert scene is not None and recording is not None
    index = json.loads((recording.folder / "delta" / "delta.json").read_text())
    norms = {row["name"]: row["norm"] for row in index["matrices"]}
    for key in (k for k in scene.arrays if k.endswith(".B")):
        name = key.removesuffix(".B")
        product = scene.arrays[key].astype(np.float32) @ scene.arrays[f"{name}.A"].astype(np.float32)
        assert product.shape[0] == len(scene.arrays["steps"])
        assert np.linalg.norm(product[0]) == 0
        assert np.linalg.norm(product[-1]) == pytest.approx(norms[name], rel=0.02)


def test_sets_agree_with_the_table_where_they_hold_the_same_runs():
    """Plain LoRA among its relatives, runs without rehearsal, and DPO on own answers, are cells of the table; two machines may tell a story or two apart."""
    for name, pick, cell in (
        ("variants-nano-0.5m", lambda scene: scene.arrays["score"][scene.about["variants"].index("plain"), 0], ("stories", "lora", "sft")),
        ("rehearsal-nano-0.5m", lambda scene: scene.arrays["score"][0, 0], ("stories", "full", "sft")),
        ("rehearsal-nano-0.5m", lambda scene: scene.arrays["score"][1, 0], ("stories", "lora", "sft")),
        ("pairs-nano-0.5m", lambda scene: scene.arrays["score"][scene.about["pairs"].index("own"), :, -1], ("endings", "lora", "dpo")),
    ):
        rows = of_cell("nano-0.5m", *cell)
        np.testing.assert_allclose(pick(find_scene(name)), [row.result["score_after"] for row in rows], atol=0.04)


@pytest.mark.parametrize("model", ["nano-0.5m", "smollm2-135m-instruct"])
def test_ways_against_forgetting_change_one_thing_each_and_are_runs_of_the_spec(model):
    scene = find_scene(f"rehearsal-{model}")
    assert scene is not None
    ways, specs = scene.about["ways"], [RunSpec.from_dict(spec) for spec in scene.about["specs"]]
    shape = (len(scene.about["methods"]), len(ways), len({spec.seed for spec in specs}))
    assert all(scene.arrays[name].shape == shape for name in scene.about["measures"]) and len(specs) == np.prod(shape)
    assert scene.arrays["before"].shape == (len(scene.about["measures"]),) and scene.arrays["before"][0] == 0
    assert [sum((way["rate"] != 1, way["steps"] != 1, way["rehearsal"] != 0)) for way in ways] == [0, *[1] * (len(ways) - 1)]
    assert [spec.rehearsal for spec in specs[:: shape[2]]] == [way["rehearsal"] for way in ways] * shape[0]


def test_a_little_rehearsal_takes_most_of_the_damage_at_hardly_any_cost_on_nano():
    """What the lesson's question about it says."""
    scene = find_scene("rehearsal-nano-0.5m")
    assert scene is not None
    score, probe = (scene.arrays[name][0].mean(1) for name in ("score", "probe"))
    usual, few, some, many = (next(i for i, way in enumerate(scene.about["ways"]) if way == wanted) for wanted in WAYS_ASKED)
    assert [round(100 * score[at]) for at in (usual, some, many)] == [77, 76, 53]
    assert [round(float(probe[at]), 2) for at in (usual, few, some)] == [0.95, 0.53, 0.35]
    assert round(float(scene.arrays["before"][scene.about["measures"].index("probe")]), 2) == 0.21


@pytest.mark.parametrize("model", ["nano-0.5m-control", "nano-0.5m"])
def test_the_sweep_over_k_has_both_methods_and_three_seeds(model):
    scene = find_scene(f"lengths-{model}")
    assert scene is not None
    specs = [RunSpec.from_dict(spec) for spec in scene.about["specs"]]
    assert scene.arrays["score"].shape == (2, 6, 3) and len(specs) == 36
    assert [spec.virtual_tokens for spec in specs[:18:3]] == scene.arrays["lengths"].tolist() == [1, 2, 5, 10, 20, 32]
    assert {spec.method for spec in specs[:18]} == {"prompt"} and {spec.method for spec in specs[18:]} == {"prefix"}


def test_made_up_pairs_look_as_good_and_teach_less():
    scene = find_scene("pairs-nano-0.5m")
    assert scene is not None
    own, made_up = scene.arrays["score"][:, :, -1]
    assert (scene.arrays["accuracy"][:, :, -1] == 1).all() and (scene.arrays["margin"][1, :, -1] > scene.arrays["margin"][0, :, -1]).all()
    assert own.min() > made_up.max() + 0.5
