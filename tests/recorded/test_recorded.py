"""What is committed as recorded was made by this engine from a spec that is still the default, and its ΔW can be read."""

import json

import numpy as np
import pytest

from engine.contracts import RunError
from engine.recorded import Directions, find_recording, read_delta, recordings, report, table
from engine.recorded.runs import FOLDER
from engine.training.record import RECIPE, SHOWN, cell_spec, keep_current, table_row, table_specs

RECORDINGS = recordings()


@pytest.mark.parametrize("cell", SHOWN, ids="-".join)
def test_every_shown_cell_is_recorded_with_todays_defaults(cell):
    spec, recording = cell_spec(*cell), find_recording(*cell)
    assert recording is not None and recording.spec == spec, "defaults changed since: run make record"
    assert json.loads((recording.folder / "run.json").read_text())["recipe"] == RECIPE, "the recipe changed since: run make record"
    assert recording.events[0].event == "phase" and recording.machine["device"] in ("cpu", "cuda")


def test_the_table_is_of_todays_recipe_and_each_row_once():
    assert all(table.is_current(row) for row in table.rows()), "the recipe changed since: run make record"
    hashes = [row.spec.hash for row in table.rows()]
    assert sorted(hashes) == sorted(spec.hash for spec in table_specs()), "defaults changed since: run make record"
    assert all(row.result["spec_hash"] == row.spec.hash for row in table.rows())


def test_record_takes_old_rows_out_of_the_table(tmp_path):
    today, other = table_specs()[:2]
    lines = [
        {"recipe": recipe, "spec": json.loads(spec.to_json())}
        for recipe, spec in ((RECIPE, today), (RECIPE - 1, other), (RECIPE, other.with_(seed=9)))
    ]
    path = tmp_path / "table.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert keep_current(path, [today, other]) == {today.hash}
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines[:1]


def test_committed_data_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 10_000_000


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda r: r.name)
def test_directions_agree_with_their_own_spectrum(recording):
    delta = read_delta(recording.folder / "delta")
    assert delta is not None and delta.drawable
    for name in delta.drawable[:: max(1, len(delta.drawable) // 5)]:
        row, found = delta.matrices[name], delta.directions(name)
        k = found.left.shape[1]
        assert found.left.shape == (row["shape"][0], k) and found.right.shape == (k, row["shape"][1])
        values = np.linalg.norm(found.left.astype(np.float64), axis=0)
        np.testing.assert_allclose(values, row["spectrum"][:k], rtol=5e-3, atol=2e-3 * row["spectrum"][0])
        if found.b is not None:
            np.testing.assert_allclose(found.left @ found.right, found.b @ found.a, atol=1e-4 * row["spectrum"][0])


def test_factors_give_the_svd_that_numpy_gives():
    from engine.recorded.delta import _from_factors

    rng = np.random.default_rng(0)
    b, a = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(5, 60)).astype(np.float32)
    found: Directions = _from_factors(b, a)
    np.testing.assert_allclose(np.linalg.norm(found.left, axis=0), np.linalg.svd(b @ a, compute_uv=False)[:5], rtol=1e-4)
    np.testing.assert_allclose(found.left @ found.right, b @ a, atol=1e-4)


def test_missing_and_damaged(tmp_path):
    assert read_delta(tmp_path) is None
    (tmp_path / "delta.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        read_delta(tmp_path)
    (tmp_path / "delta.json").write_text(json.dumps({"matrices": []}))
    (tmp_path / "delta.npz").write_bytes(b"not a zip")
    with pytest.raises(RunError, match="cannot be read"):
        read_delta(tmp_path)


def test_the_results_page_is_written_from_todays_rows():
    assert report.FILE.read_text("utf-8") == report.report(), "write it with: python -m engine.recorded.report"


@pytest.mark.parametrize(("model", "count", "rates"), [("nano-0.5m", 26, 5), ("smollm2-135m-instruct", 8, 3)])
def test_no_learning_rate_of_the_sweep_is_far_better_than_the_cells_own(model, count, rates):
    cells: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for row in table.rows(table.SWEEP):
        spec = row.spec
        if spec.model == model:
            cells.setdefault((spec.task, spec.method, spec.objective), []).append((spec.learning_rate, row.result["score_after"]))
    assert len(cells) == count
    for cell, found in cells.items():
        own = dict(found)[cell_spec(model, *cell).learning_rate]
        assert len(found) == rates and own >= max(score for _, score in found) - 0.2, cell


@pytest.mark.parametrize(("task", "method", "objective"), [("stories", "lora", "sft"), ("story-mood", "head", "classify")])
def test_record_comes_to_a_committed_row_again(task, method, objective):
    """On another machine than the row's: losses to a hundredth of themselves, scores to two examples."""
    spec = cell_spec("nano-0.1m", task, method, objective)
    kept = next(row.result for row in table.rows() if row.spec == spec)
    made = table_row(spec.to_json())["result"]
    for name in ("loss_before", "loss_after", "forgetting_after"):
        assert made[name] == pytest.approx(kept[name], rel=0.01), name
    assert abs(made["score_after"] - kept["score_after"]) <= 2 / 64
    assert made["trainable_params"] == kept["trainable_params"]
    assert abs(made["artifact_bytes"] - kept["artifact_bytes"]) < 200, "older rows named the base by where it lay"
