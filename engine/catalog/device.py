"""Where a run will compute, decided from what the machine says of itself and never from a timing. No torch.

The web process needs the answer to find equal runs, and the worker must come to the same one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

NATIVE_BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""CPU flags that mean native bf16 products (x86 AVX-512 or AMX; Arm)."""
NATIVE_BF16_CAPABILITY = (8, 0)
"""CUDA compute capability from which bf16 products are native (Ampere; NVIDIA CUDA C++ Programming Guide, "Compute Capabilities")."""


class Resolved(NamedTuple):
    """What "auto" came to."""

    device: str
    """"cuda" or "cpu"."""
    dtype: str
    """"bf16" or "fp32"."""
    threads: int
    """CPU threads for torch."""


def resolve(spec_dtype: str = "auto") -> Resolved:
    """Device, compute dtype and threads for a spec's dtype word; the same answer in every process of a machine."""
    capability = cuda_capability() if torch_has_cuda() else None
    native = capability >= NATIVE_BF16_CAPABILITY if capability else bool(NATIVE_BF16_FLAGS & cpu_flags())
    dtype = spec_dtype if spec_dtype != "auto" else ("bf16" if native else "fp32")
    return Resolved("cuda" if capability else "cpu", dtype, cpu_threads())


@cache
def torch_has_cuda() -> bool:
    """Whether the installed torch was built for CUDA: read from its version file, since importing it takes seconds."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return False
    try:
        text = Path(found.origin).with_name("version.py").read_text()
    except OSError:
        return False
    return re.search(r"^cuda\b.*= *['\"]", text, re.MULTILINE) is not None


@cache
def cuda_capability() -> tuple[int, int] | None:
    """Compute capability of the first NVIDIA GPU that CUDA_VISIBLE_DEVICES does not hide; None where there is none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip()
    tool = shutil.which("nvidia-smi")
    if visible in ("", "-1") or tool is None:
        return None
    try:
        query = [tool, "--query-gpu=index,uuid,compute_cap", "--format=csv,noheader"]
        listed = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    rows = [[part.strip() for part in line.split(",")] for line in listed.splitlines() if line.count(",") == 2]
    rows.sort(key=lambda row: not _is_named(visible.split(",")[0], row[0], row[1]))
    return _capability(rows[0][2]) if rows else None


def _is_named(wanted: str, index: str, uuid: str) -> bool:
    return wanted == index or (bool(wanted) and uuid.startswith(wanted))


def _capability(text: str) -> tuple[int, int] | None:
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


@cache
def cpu_flags() -> frozenset[str]:
    """The processor's feature flags, empty where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    return frozenset(
        flag for line in text.splitlines() if line.startswith(("flags", "Features")) for flag in line.partition(":")[2].split()
    )


def cpu_threads() -> int:
    """Threads for torch: the CPUs that this process may use, or OMP_NUM_THREADS where it is set."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
