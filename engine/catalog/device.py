"""Where a run will compute, decided from what the machine says of itself and never from a timing. No torch.

The web process needs the answer to find equal runs, and the worker must come to the same one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

NATIVE_BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""CPU flags that mean native bf16 products (x86 AVX-512 or AMX; Arm)."""


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
    device = "cuda" if cuda_present() else "cpu"
    native = device == "cuda" or bool(NATIVE_BF16_FLAGS & cpu_flags())
    dtype = spec_dtype if spec_dtype != "auto" else ("bf16" if native else "fp32")
    return Resolved(device, dtype, cpu_threads())


@cache
def cuda_present() -> bool:
    """Whether the NVIDIA driver lists a GPU that CUDA_VISIBLE_DEVICES does not hide."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1"):
        return False
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU " in listed.stdout


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
