"""Scenes of sets of runs, on synthetic numbers: what is drawn is what was given."""

from __future__ import annotations

import json

import numpy as np
import pytest

from viz import choosing_space as choosing
from viz import delta_playback as playback
from viz import head_plane as head
from viz import loss_landscape as landscape
from viz import method_bars as bars
from viz import pair_margin as pairs
from viz import preference_ribbons as ribbons
from viz import prefix_attention as prefix
from viz import reward_kl as kl
from viz import soft_prompts as soft
from viz import sweep_surface as sweep
from viz.label import truth_label
from viz.pca import components

LABEL = truth_label("recorded", "2026-11-22", 0)
RNG = np.random.default_rng(0)


def traces(figure):
    return {trace.meta: trace for trace in figure.data}


# PCA


def test_components_are_numpys_eigenvectors() -> None:
    points = RNG.normal(size=(200, 6)) * [5, 3, 2, 1, 0.5, 0.1]
    frame = components(points)
    values = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    np.testing.assert_allclose(frame.explained, values[:3] / values.sum(), rtol=1e-9)
    np.testing.assert_allclose(np.var(frame.place(points), axis=0, ddof=1), values[:3], rtol=1e-9)
    assert components(np.ones((1, 2))).explained == (0.0, 0.0, 0.0)


# Playback


def test_playback_frames_are_the_products_at_one_scale() -> None:
    b, a = RNG.normal(size=(4, 96, 2)).astype(np.float32), RNG.normal(size=(4, 2, 64)).astype(np.float32)
    b[0] = 0
    info = playback.get_delta_playback_info([0, 5, 10, 15], b, a, matrix="m", label=LABEL)
    figure = playback.draw_delta_playback(info)
    products = np.einsum("tmr,trn->tmn", b, a)[:, ::2]
    drawn = np.array([frame.data[2].z for frame in figure.frames])
    np.testing.assert_allclose(drawn, products * (0.15 / np.abs(products).max()), atol=1e-5)
    np.testing.assert_allclose(info.norms, [np.linalg.norm(x) for x in np.einsum("tmr,trn->tmn", b, a)], rtol=1e-5)
    assert [frame.name for frame in figure.frames] == ["step 0", "step 5", "step 10", "step 15"] and info.norms[0] == 0
    with pytest.raises(ValueError, match="3 steps, 4 snapshots"):
        playback.get_delta_playback_info([0, 1, 2], b, a, matrix="m", label=LABEL)


# Landscape


def bowl() -> dict[str, np.ndarray]:
    """A loss that is known everywhere, and paths whose losses are its own values."""
    x, y = np.linspace(-1, 3, 21), np.linspace(-1, 2, 21)
    loss = lambda a, b: 0.2 * ((a - 2) ** 2 + (b - 1) ** 2) + 0.3  # noqa: E731
    arrays = {"x": x, "y": y, "loss": loss(x[None, :], y[:, None]), "forgetting": 1 + 0.1 * (x[None, :] ** 2 + y[:, None] ** 2)}
    for method, end in (("lora", (2.0, 0.0)), ("full", (1.5, 1.5))):
        way = np.linspace((0, 0), end, 6)
        arrays[f"{method}.path"] = np.column_stack([way, np.linspace(0, 0.4, 6) * np.linspace(1, 0, 6)])
        arrays[f"{method}.losses"] = np.column_stack([loss(*way.T), loss(*way.T), np.arange(6) * 4])
    return arrays


def test_landscape_passes_through_the_paths_own_losses() -> None:
    info = landscape.get_loss_landscape_info(bowl(), "m", LABEL)
    figure = landscape.draw_loss_landscape(info)
    for path in info.paths:
        drawn, stalks = (trace for trace in figure.data if trace.meta == path.method)
        np.testing.assert_allclose(drawn.z, path.loss, atol=1e-6)
        ends = np.array(stalks.z).reshape(-1, 3)
        np.testing.assert_allclose(ends[:, :2], np.column_stack([path.loss, path.below]), atol=1e-6)
        assert np.isnan(ends[:, 2]).all(), "a gap after each stalk"
        on_grid = [landscape._at(info, info.grounds["loss"], a, b) for a, b in zip(path.x, path.y, strict=True)]
        np.testing.assert_allclose(on_grid, path.below, atol=0.01)
    assert len(figure.frames) == 6 and figure.frames[2].name == "step 8"
    assert [len(part.x) for part in figure.frames[2].data] == [3, 9, 3, 9]
    other = landscape.draw_loss_landscape(info, "forgetting")
    assert "forgetting" in traces(other) and "Loss on other text" in other.layout.title.text
    assert [len(part.x) for part in other.frames[2].data] == [3, 3], "where only the plane was measured no stalk leaves it"
    assert landscape.loss_landscape_tables(info)[0].header[-2:] == ("loss there, nats", "loss on the plane, nats")
    table = landscape.loss_landscape_tables(info, "forgetting")[0]
    assert table.header[-1].startswith("loss on other text") and table.rows[0][-1] == pytest.approx(1.0, abs=0.01)
    words = landscape.describe_loss_landscape(info, "forgetting")
    assert "start lies at 1.00" in words and "loss on other text" in words and "held-out" not in words
    with pytest.raises(ValueError, match="loss has shape"):
        landscape.get_loss_landscape_info(bowl() | {"x": np.arange(3)}, "m", LABEL)


# Preference


def test_margin_is_beta_times_the_difference() -> None:
    info = ribbons.get_preference_ribbons_info([0, 3, 6], [0.0, 5.0, 3.0], [0.0, -10.0, -30.0], 0.1, LABEL)
    assert info.margin == pytest.approx((0.0, 1.5, 3.3))
    found = traces(ribbons.draw_preference_ribbons(info))
    np.testing.assert_allclose(found["chosen"].z[0], info.chosen)
    np.testing.assert_allclose(found["rejected"].z[1], info.rejected)
    sheet = found["margin"]
    assert max(found["chosen"].y) == sheet.y[0] < sheet.y[-1] == min(found["rejected"].y)
    np.testing.assert_allclose(sheet.z, [info.chosen, info.rejected])
    np.testing.assert_allclose(sheet.customdata[0], info.margin)
    assert "highest +5.0 at step 3" in ribbons.describe_preference_ribbons(info)


def test_a_reward_models_margin_is_drawn_over_its_share_of_pairs() -> None:
    info = pairs.get_pair_margin_info([1, 2], [0.0, 0.5], [0.25, 1.0], LABEL)
    margin, share = pairs.draw_pair_margin(info).data
    assert (list(margin.y), list(share.y)) == ([0.0, 0.5], [25.0, 100.0]) and share.yaxis == "y2"
    assert "100% at the end" in pairs.describe_pair_margin(info) and pairs.pair_margin_tables(info)[0].rows[1] == (2, 0.5, 100.0)
    with pytest.raises(ValueError, match="1 margins"):
        pairs.get_pair_margin_info([1, 2], [0.0], [0.0, 1.0], LABEL)


def test_frontier_keeps_what_nothing_beats() -> None:
    ways = [("β = 0.1", [0, 1, 2], [0.0, 1.0, 2.0], [0.1, 0.5, 0.4], []), ("β = 0.01", [0, 1], [0.0, 3.0], [0.1, 0.9], ["a", "b"])]
    info = kl.get_reward_kl_info(ways, LABEL)
    assert info.frontier == ((0.0, 0.1), (1.0, 0.5), (3.0, 0.9))
    figure = kl.draw_reward_kl(info)
    assert [trace.name for trace in figure.data] == ["frontier", "β = 0.1", "β = 0.01"] and figure.layout.xaxis.title.text.startswith("KL")
    with pytest.raises(ValueError, match="1 KL"):
        kl.get_reward_kl_info([("x", [0, 1], [0.0], [0.1, 0.2], [])], LABEL)


# Sweeps


def test_sweep_means_are_over_seeds_and_zero_has_a_place() -> None:
    rows = [(0, 10, 0.1), (0, 10, 0.3), (1, 10, 0.5), (4, 10, 0.9), (0, 20, 0.2), (1, 20, float("nan")), (4, 20, 1.0)]
    info = sweep.get_sweep_surface_info(rows, x=("task types", "log2"), y=("step", "linear"), z="score", title="t", label=LABEL)
    np.testing.assert_allclose(info.means, [[0.2, 0.5, 0.9], [0.2, np.nan, 1.0]])
    figure = sweep.draw_sweep_surface(info)
    np.testing.assert_allclose(figure.data[0].x, [-1, 0, 2])
    assert figure.layout.scene.xaxis.ticktext == ("0", "1", "4") and len(traces(figure)["run"].x) == 6


# Soft prompts and prefixes


def test_soft_prompts_end_where_they_were_learned() -> None:
    words, ways = RNG.normal(size=(50, 16)), RNG.normal(size=(3, 4, 16))
    ways[-1, 0] = 2 * words[7]
    info = soft.get_soft_prompts_info(words, [f"w{n}" for n in range(50)], ways, [0, 10, 20], LABEL)
    assert info.nearest[0][0] == "w7" and info.ways.shape == (3, 4, 3)
    frame = components(np.vstack([words, ways[-1]]))
    np.testing.assert_allclose(info.ways[1], frame.place(ways[1]))
    figure = soft.draw_soft_prompts(info)
    np.testing.assert_allclose(traces(figure)["learned"].x, info.ways[-1, :, 0])
    assert len(figure.frames) == 3 and np.isnan(figure.frames[0].data[0].x).sum() == 4
    assert f"{sum(info.explained):.0%} of the variance" in figure.layout.title.text


def test_prefix_towers_are_shares_and_sums_are_sums() -> None:
    shares = np.full((6, 4), 0.1)
    shares[2] = 0.2
    info = prefix.get_prefix_attention_info(shares, "prefix", LABEL)
    found = traces(prefix.draw_prefix_attention(info))
    np.testing.assert_allclose(found["mean"].z, shares.mean(1))
    np.testing.assert_allclose(found["mean"].customdata, shares.sum(1))
    assert max(found["prefix"].z) == pytest.approx(0.2) and "most in layer 2 with 80.0%" in prefix.describe_prefix_attention(info)
    with pytest.raises(ValueError, match="at most 1"):
        prefix.get_prefix_attention_info(np.full((2, 3), 0.5), "prefix", LABEL)
    figure = prefix.draw_prefix_attention(prefix.get_prefix_attention_info(shares, "prompt", LABEL))
    assert "prefix" not in str(figure.layout) and "prompt" in traces(figure), "a prompt's picture speaks of a prompt"


# Head


def two_clouds():
    labels = [n % 2 for n in range(40)]
    features = RNG.normal(size=(40, 8)) + 4 * np.outer(labels, np.eye(8)[0])
    weights = np.array([np.eye(8)[1], np.eye(8)[0]])
    return head.get_head_plane_info(features, labels, ("bad", "good"), weights, [0.0, -2.0], [0, 10], LABEL), features, weights


def test_plane_is_the_heads_boundary_in_the_picture() -> None:
    info, features, weights = two_clouds()
    assert info.right[1] > 0.9 > info.right[0]
    frame = components(features)
    figure = head.draw_head_plane(info)
    mesh = figure.frames[1].data[0]
    corners = np.column_stack([mesh.x, mesh.y, mesh.z])
    whole = frame.mean + corners @ frame.axes.T
    np.testing.assert_allclose(whole @ weights[1] - 2.0, 0, atol=1e-9)
    assert head.head_plane_tables(info)[0].rows[1][2] == pytest.approx(90, abs=45)


def test_a_plane_outside_the_box_is_a_point() -> None:
    ends = np.array([[-1.0, 1.0]] * 3)
    assert np.ptp(head.cut(np.array([0.0, 0.0, 1.0]), 5.0, ends), axis=0).max() == 0
    square = head.cut(np.array([0.0, 0.0, 1.0]), 0.0, ends)
    assert np.ptp(square[:4], axis=0).tolist() == [2, 2, 0] and (square[4:] == square[3]).all()


# Choosing


def test_front_is_what_nothing_beats_in_all_three() -> None:
    methods = [
        ("full", "full", [(1.0, 2.0, 538.0), (0.96, 2.0, 538.0)]),
        ("LoRA", "lora", [(1.0, 1.0, 9.8), (1.0, 1.1, 9.8)]),
        ("prompt", "prompt", [(0.6, 1.0, 0.05)]),
        ("bad", "bad", [(0.5, 1.5, 20.0)]),
    ]
    info = choosing.get_choosing_space_info(methods, LABEL)
    assert {choice.name for choice in info.choices if choice.pareto} == {"LoRA", "prompt"}
    assert info.choices[0].mean == pytest.approx((0.98, 2.0, 538.0)) and info.choices[0].spread[0] == pytest.approx(
        np.std([1, 0.96], ddof=1)
    )
    figure = choosing.draw_choosing_space(info)
    ball = next(trace for trace in figure.data if trace.type == "surface" and trace.meta == "full")
    assert np.ptp(ball.z) == pytest.approx(2 * 100 * info.choices[0].spread[0], rel=1e-3)
    assert any(trace.meta == "front" for trace in figure.data)
    with pytest.raises(ValueError, match="at least one seed"):
        choosing.get_choosing_space_info([("x", "x", [])], LABEL)


# Every drawer, every awkward case


CASES = {
    "no preference step": (ribbons.draw_preference_ribbons, ribbons.get_preference_ribbons_info([], [], [], 0.1, LABEL)),
    "one preference step": (ribbons.draw_preference_ribbons, ribbons.get_preference_ribbons_info([0], [0.0], [0.0], 0.1, LABEL)),
    "no pair": (pairs.draw_pair_margin, pairs.get_pair_margin_info([], [], [], LABEL)),
    "no reward": (kl.draw_reward_kl, kl.get_reward_kl_info([], LABEL)),
    "no sweep": (
        sweep.draw_sweep_surface,
        sweep.get_sweep_surface_info([], x=("a", "linear"), y=("b", "log10"), z="z", title="t", label=LABEL),
    ),
    "one run": (
        sweep.draw_sweep_surface,
        sweep.get_sweep_surface_info([(1, 1, 1)], x=("a", "log2"), y=("b", "log10"), z="z", title="t", label=LABEL),
    ),
    "one token": (soft.draw_soft_prompts, soft.get_soft_prompts_info(np.ones((1, 4)), ["a"], np.ones((1, 1, 4)), [0], LABEL)),
    "one layer": (prefix.draw_prefix_attention, prefix.get_prefix_attention_info([[0.0]], "prompt", LABEL)),
    "no method": (choosing.draw_choosing_space, choosing.get_choosing_space_info([], LABEL)),
    "one method": (choosing.draw_choosing_space, choosing.get_choosing_space_info([("a", "a", [(0.0, 1.0, 1.0)])], LABEL)),
    "landscape": (landscape.draw_loss_landscape, landscape.get_loss_landscape_info(bowl(), "m", LABEL)),
    "head": (head.draw_head_plane, two_clouds()[0]),
}


@pytest.mark.parametrize("name", CASES)
def test_every_drawer_takes_awkward_data(name: str) -> None:
    draw, info = CASES[name]
    figure = json.loads(draw(info).to_json())
    assert figure["layout"]["meta"] == {"kind": "recorded", "day": "2026-11-22", "seed": 0}
    scene = figure["layout"].get("scene")
    if scene:  # the stage's still needs ranges and proportions of its own
        assert all(len(scene[f"{axis}axis"]["range"]) == 2 and scene["aspectratio"][axis] for axis in "xyz")
        assert all(scene[f"{axis}axis"]["range"][0] < scene[f"{axis}axis"]["range"][1] for axis in "xyz")


# The flat ones over seeds


def test_bars_are_means_and_every_seed_is_shown() -> None:
    info = bars.get_method_bars_info([("LoRA", "lora", [90, 100]), ("full", "full", [100]), ("none", "none", [])], "score (%)", LABEL)
    figure = bars.draw_method_bars(info)
    assert [trace.y[0] for trace in figure.data if trace.type == "bar"] == [95, 100] and list(figure.data[1].y) == [90, 100]
    assert "LoRA 95 (90 to 100)" in bars.describe_method_bars(info) and len(bars.method_bars_tables(info)[0].rows) == 2
    with pytest.raises(ValueError, match="no place for it"):
        bars.get_method_bars_info([("a", "a", [0.0])], "MB", LABEL, log=True)
