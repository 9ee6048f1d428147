"""4-bit codes and what they do to a block of weights: the arithmetic behind the pictures of quantization. Numpy only.

NF4 and double quantization: Dettmers et al. 2023 (QLoRA), 2305.14314, section 3 and appendix E.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
BLOCK = 64
"""Weights that share one constant, their largest absolute value (absmax)."""
GROUP = 256
"""Constants that share one second constant, in double quantization."""
_OFFSET = 0.9677083
"""Probability at which NF4's outermost levels lie, as the authors' library has it."""


def _nf4() -> Floats:
    """Quantiles of the normal distribution: 8 steps above zero, 7 below, an exact zero; scaled to [-1, 1]."""
    quantile = NormalDist().inv_cdf
    above = [quantile(p) for p in np.linspace(_OFFSET, 0.5, 9)[:-1]]
    below = [-quantile(p) for p in np.linspace(_OFFSET, 0.5, 8)[:-1]]
    levels = np.sort(np.array([*below, 0.0, *above]))
    return np.asarray(levels / levels.max(), dtype=np.float32)


def _fp4() -> Floats:
    """1 sign, 2 exponent and 1 mantissa bits as bitsandbytes reads them, over 12: 15 different values."""
    positive = np.array([0, 0.0625, 2, 3, 4, 6, 8, 12]) / 12
    return np.unique(np.concatenate([-positive, positive])).astype(np.float32)


def _dynamic8() -> Floats:
    """The 8-bit code of bitsandbytes for constants: 7 decades, finer for larger values (Dettmers 2016, 1511.04561, section 2)."""
    values = [0.0, 1.0]
    for decade in range(7):
        ends = np.linspace(0.1, 1, 2**decade + 1)
        middles = 10.0 ** (decade - 6) * (ends[:-1] + ends[1:]) / 2
        values += [*middles, *-middles]
    return np.sort(np.array(values)).astype(np.float32)


CODES: dict[str, Floats] = {"NF4": _nf4(), "FP4": _fp4(), "INT4": (np.arange(-7, 8) / 7).astype(np.float32)}
DYNAMIC8 = _dynamic8()


class Blocks(NamedTuple):
    """A matrix after quantization, in blocks of its flattened weights."""

    restored: Floats
    """Same shape as the weights."""
    absmax: Floats
    """(blocks,)."""
    indices: NDArray[np.uint8]
    """Same shape as the weights: which level each weight became."""


def nearest(values: Floats, code: Floats) -> NDArray[np.uint8]:
    """Index of the nearest level for each value; halfway goes to the higher level."""
    middles = (code[1:] + code[:-1]) / 2
    return np.searchsorted(middles, values, side="right").astype(np.uint8)


def quantize(weights: ArrayLike, code: str = "NF4", block: int = BLOCK) -> Blocks:
    """Blockwise absmax quantization.

    Args:
        weights: Any shape, of a size that `block` divides.
        code: A key of CODES.

    Raises:
        ValueError: The size is not a multiple of the block.
    """
    values = np.asarray(weights, dtype=np.float32)
    if values.size % block or not values.size:
        raise ValueError(f"{values.size} weights do not fill blocks of {block}; give a multiple of {block}")
    rows = values.reshape(-1, block)
    absmax = np.abs(rows).max(axis=1)
    scale = np.where(absmax > 0, absmax, 1).astype(np.float32)[:, None]
    indices = nearest(rows / scale, CODES[code])
    restored = CODES[code][indices] * absmax[:, None]
    return Blocks(restored.reshape(values.shape), absmax, indices.reshape(values.shape))


def double_quantize(absmax: ArrayLike, group: int = GROUP) -> Floats:
    """The constants after 8-bit quantization of their own: the mean is taken off, groups of `group` share a constant."""
    values = np.asarray(absmax, dtype=np.float32)
    offset = values.mean(dtype=np.float32)
    restored = np.empty_like(values)
    for start in range(0, len(values), group):
        part = values[start : start + group] - offset
        most = np.abs(part).max() or np.float32(1)
        restored[start : start + group] = DYNAMIC8[nearest(part / most, DYNAMIC8)] * most + offset
    return restored


def bits_per_weight(double: bool, block: int = BLOCK, group: int = GROUP) -> float:
    """4 bits, and the share of a 32-bit constant; doubled: of an 8-bit constant and of a 32-bit one for `group` of those."""
    return 4 + (8 / block + 32 / (block * group) if double else 32 / block)


def relative_error(weights: ArrayLike, restored: ArrayLike) -> float:
    """Root mean square of the error over that of the weights."""
    before, after = np.asarray(weights, dtype=np.float64), np.asarray(restored, dtype=np.float64)
    size = float(np.sqrt(np.mean(before**2)))
    return float(np.sqrt(np.mean((after - before) ** 2))) / size if size else 0.0
