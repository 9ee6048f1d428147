"""A ΔW that a browser test can compute again."""

from __future__ import annotations

import numpy as np


def synthetic(seed: int, m: int = 192, n: int = 192, r: int = 8) -> dict[str, np.ndarray]:
    """B and A of rank r, and the strongest directions of their product."""
    rng = np.random.default_rng(seed)
    b, a = rng.standard_t(4, (m, r)) * 0.01, rng.standard_t(5, (r, n)) * 0.03
    b *= 0.6 ** np.arange(r)
    u, s, vt = np.linalg.svd(b @ a, full_matrices=False)
    return {"left": u[:, :r] * s[:r], "right": vt[:r], "b": b, "a": a}
