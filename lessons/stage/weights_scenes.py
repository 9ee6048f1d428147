"""Scenes of quantization, from a recorded matrix of SmolLM2's weights; None where that is not there.

stage(levels_scene(), key="nf4-levels"); stage(block_scene(), key="nf4-block")
"""

from __future__ import annotations

from functools import lru_cache

from engine.recorded.weights import Weights, recorded_weights
from lessons.stage.scene import Scene, plain_stage
from lessons.text import fill, label, read
from viz import double_quantization, error_surface, nf4_block, nf4_levels
from viz.label import TruthLabel, short_name

NAME = "smollm2-layer15-k_proj"


@lru_cache(maxsize=1)
def levels_scene() -> Scene | None:
    """The 16 levels of NF4 under the normal density, over the real weights; FP4 and INT4 as combs below."""
    if (found := _weights()) is None:
        return None
    weights, truth = found
    info = nf4_levels.get_nf4_levels_info(weights.values, truth)
    figure, words = nf4_levels.draw_nf4_levels(info), nf4_levels.describe_nf4_levels(info)
    return plain_stage(label("scenes.levels"), figure, words, nf4_levels.nf4_levels_tables(info), caption=_origin(weights))


@lru_cache(maxsize=8)
def block_scene(number: int = 0) -> Scene | None:
    """Block `number` of 64 weights before and after; its slider enlarges the largest weight."""
    if (found := _weights()) is None:
        return None
    weights, truth = found
    info = nf4_block.get_nf4_block_info(weights.values.ravel()[64 * number : 64 * number + 64], truth)
    figure, words = nf4_block.draw_nf4_block(info), nf4_block.describe_nf4_block(info)
    tables = nf4_block.nf4_block_tables(info)
    frames, caption = label("scenes.outlier"), read("gallery", "outlier")
    return plain_stage(label("scenes.block"), figure, words, tables, caption=caption, frame_word=frames)


@lru_cache(maxsize=8)
def error_scene(number: int = 0) -> Scene | None:
    """|error| of NF4, FP4 and INT4 over square `number` of the matrix, 64 x 64, side by side; squares are counted along the rows."""
    if (found := _weights()) is None:
        return None
    weights, truth = found
    corner = divmod(number, weights.values.shape[1] // error_surface.SHOWN)
    place = (corner[0] * error_surface.SHOWN, corner[1] * error_surface.SHOWN)
    info = error_surface.get_error_surface_info(weights.values, short_name(weights.about["matrix"]), truth, place)
    figure, words = error_surface.draw_error_surface(info), error_surface.describe_error_surface(info)
    return plain_stage(label("scenes.error"), figure, words, error_surface.error_surface_tables(info), caption=_origin(weights))


@lru_cache(maxsize=1)
def double_scene() -> Scene | None:
    """The constants of the blocks, and those quantized in turn."""
    if (found := _weights()) is None:
        return None
    weights, truth = found
    info = double_quantization.get_double_quantization_info(weights.values, short_name(weights.about["matrix"]), truth)
    figure, words = double_quantization.draw_double_quantization(info), double_quantization.describe_double_quantization(info)
    tables = double_quantization.double_quantization_tables(info)
    return plain_stage(label("scenes.double"), figure, words, tables, caption=_origin(weights))


def _weights() -> tuple[Weights, TruthLabel] | None:
    weights = recorded_weights(NAME)
    return (weights, TruthLabel("recorded", weights.about["day"])) if weights else None


def _origin(weights: Weights) -> str:
    return fill(read("gallery", "weights"), matrix=short_name(weights.about["matrix"]), model=weights.about["model"])
