"""Faults that people can mend get their sentence, whatever library raised them in whatever way."""

from __future__ import annotations

import errno

import pytest
from safetensors import SafetensorError

from engine.contracts import RunError, SpecError, explain, is_disk_full

NO_MEMORY = "The run needs more memory than this machine has free."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), NO_MEMORY),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"), NO_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), NO_MEMORY),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory."), NO_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full."),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full."),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), "The disk is full."),
        (
            PermissionError(errno.EACCES, "Permission denied", "x"),
            "A file could not be read or written: [Errno 13] Permission denied: 'x'.",
        ),
        (RunError("It broke.", "Mend it."), "It broke."),
        (SpecError("rank=0 must be at least 1"), "rank=0 must be at least 1"),
    ],
)
def test_a_known_fault_has_a_sentence_and_a_remedy(error: Exception, sentence: str) -> None:
    known = explain(error)
    assert known is not None and known.sentence == sentence and known.remedy


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ZeroDivisionError(), SafetensorError("HeaderTooLarge")]
)
def test_any_other_fault_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None and not is_disk_full(error)
