"""Principal components: the three directions in which points differ most, and how much of the difference they hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Components(NamedTuple):
    """An orthonormal frame around the mean of the points that it was made from."""

    mean: NDArray[np.float64]
    """(d,)."""
    axes: NDArray[np.float64]
    """(d, count), strongest first."""
    explained: tuple[float, ...]
    """Share of the variance along each axis, 0 to 1."""

    def place(self, points: ArrayLike) -> NDArray[np.float64]:
        """(..., d) -> (..., count)."""
        return np.asarray((np.asarray(points, dtype=np.float64) - self.mean) @ self.axes)


def components(points: ArrayLike, count: int = 3) -> Components:
    """Of (n, d) points. Directions that do not exist (n or d too small) are filled with zeros and explain nothing.

    Raises:
        ValueError: Not a matrix, or no point.
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or not len(values):
        raise ValueError(f"points have shape {values.shape}; rows of at least one point are needed")
    mean = values.mean(axis=0)
    _, s, vt = np.linalg.svd(values - mean, full_matrices=False)
    axes = np.zeros((values.shape[1], count))
    kept = min(count, len(s))
    axes[:, :kept] = vt[:kept].T
    total = float(np.sum(s**2))
    shares = [float(v**2) / total if total > 0 else 0.0 for v in s[:kept]] + [0.0] * (count - kept)
    return Components(mean, axes, tuple(shares))
