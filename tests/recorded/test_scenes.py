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
    """Plain LoRA among its relatives, and DPO on own answers, are cells of the table; two machines may tell a story or two apart."""
    for name, pick, cell in (
        ("variants-nano-0.5m", lambda scene: scene.arrays["score"][scene.about["variants"].index("plain"), 0], ("stories", "lora", "sft")),
        ("pairs-nano-0.5m", lambda scene: scene.arrays["score"][scene.about["pairs"].index("own"), :, -1], ("endings", "lora", "dpo")),
    ):
        rows = of_cell("nano-0.5m", *cell)
        np.testing.assert_allclose(pick(find_scene(name)), [row.result["score_after"] for row in rows], atol=0.04)


def test_made_up_pairs_look_as_good_and_teach_less():
    scene = find_scene("pairs-nano-0.5m")
    assert scene is not None
    own, made_up = scene.arrays["score"][:, :, -1]
    assert (scene.arrays["accuracy"][:, :, -1] == 1).all() and (scene.arrays["margin"][1, :, -1] > scene.arrays["margin"][0, :, -1]).all()
    assert own.min() > made_up.max() + 0.5
