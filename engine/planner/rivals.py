"""What other people's tables say, for comparison."""

from __future__ import annotations

import numpy as np

_BILLIONS = (7.0, 13.0, 30.0, 70.0)
_GB = {"full": (60.0, 120.0, 300.0, 600.0), "lora": (16.0, 30.0, 60.0, 160.0), "qlora": (6.0, 12.0, 24.0, 48.0)}


def llama_factory_gib(method: str, params: int) -> float:
    """The hardware table of LLaMA-Factory's README (bf16 full, 16-bit LoRA, 4-bit QLoRA), interpolated by size; GB taken as GiB."""
    size = params / 1e9
    values = _GB[method]
    if size <= _BILLIONS[0]:
        return values[0] * size / _BILLIONS[0]
    if size >= _BILLIONS[-1]:
        return values[-1] * size / _BILLIONS[-1]
    return float(np.interp(size, _BILLIONS, values))
