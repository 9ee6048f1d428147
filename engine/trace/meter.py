"""Counts the bytes that live at each moment, by following every storage from birth to death.

A `TorchDispatchMode` sees each operator's outputs. A storage is counted when first seen and uncounted when Python's weak
reference to it dies, which is when the C++ storage dies. Sizes are rounded up to 512 bytes, as CUDA's caching allocator
does (c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize).
"""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK_BYTES = 512
_ADD = torch.ops.aten.add.Tensor


class Meter(TorchDispatchMode):
    """Live bytes by tag, and the largest sum in each phase.

    Set `phase` and `tag` as the step goes on: what is born belongs to the tag of that moment.
    """

    def __init__(self) -> None:
        super().__init__()
        self.phase = "load"
        self.tag = "weights"
        self.live_bytes = 0
        self.by_tag: Counter[str] = Counter()
        self.peaks: dict[str, int] = {}
        self.peak_bytes = 0
        self.at_peak: dict[str, int] = {}
        self._seen: dict[int, tuple[int, str]] = {}
        self._finalizers: dict[int, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is _ADD and self.phase == "backward" and not kwargs and _sums_in_place(args):
            func = torch.ops.aten.add_.Tensor
        out = func(*args, **kwargs)
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.count(leaf)
        return out

    def count(self, tensor: torch.Tensor) -> None:
        """Start to follow a tensor's storage, if it is new."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._seen:
            return
        size = -(-storage.nbytes() // BLOCK_BYTES) * BLOCK_BYTES
        self._seen[key] = (size, self.tag)
        self._finalizers[key] = weakref.finalize(storage, self._forget, key)
        self.live_bytes += size
        self.by_tag[self.tag] += size
        if self.live_bytes > self.peaks.get(self.phase, 0):
            self.peaks[self.phase] = self.live_bytes
        if self.live_bytes > self.peak_bytes:
            self.peak_bytes = self.live_bytes
            self.at_peak = {**self.by_tag, "phase": self.phase}  # type: ignore[dict-item]

    def retag(self, tensors: Any, tag: str) -> None:
        """Move storages to another tag, for example when a gradient is known to be one."""
        for tensor in tensors:
            key = tensor.untyped_storage()._cdata
            if key in self._seen:
                size, old = self._seen[key]
                self.by_tag[old] -= size
                self.by_tag[tag] += size
                self._seen[key] = (size, tag)

    def reset_peak(self) -> None:
        """Forget the peaks so far, as torch.cuda.reset_peak_memory_stats does."""
        self.peaks = {}
        self.peak_bytes = self.live_bytes
        self.at_peak = dict(self.by_tag)

    def _forget(self, key: int) -> None:
        size, tag = self._seen.pop(key)
        self._finalizers.pop(key, None)
        self.live_bytes -= size
        self.by_tag[tag] -= size


def _sums_in_place(args: Any) -> bool:
    """Whether autograd would add the second gradient into the first, as it does when no mode watches.

    torch/csrc/autograd/input_buffer.cpp, can_accumulate_inplace: grad mode off, dense, and nobody else holds the buffer.
    """
    if len(args) != 2 or torch.is_grad_enabled() or not all(isinstance(a, torch.Tensor) for a in args):
        return False
    old, new = args
    if old.shape != new.shape or old.dtype != new.dtype or not torch._prims_common.is_non_overlapping_and_dense_or_false(old):
        return False
    return torch._C._storage_Use_Count(old.untyped_storage()._cdata) <= _BUFFER_USES


_BUFFER_USES = 2  # the buffer itself, and the Python object that asks
