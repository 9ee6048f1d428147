from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.catalog import device


@pytest.fixture
def fresh() -> Iterator[None]:
    """What was found out about this machine is forgotten before and after."""
    cached = (device.torch_has_cuda, device.cuda_capability, device.cpu_flags)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def gpus(fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a driver's tool on the path that lists these GPUs."""

    def install(lines: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n")
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "torch_has_cuda", lambda: True)
    return install


@pytest.mark.parametrize(
    ("listed", "visible", "found"),
    [
        ("0, GPU-aa11, 9.0", None, ("cuda", "bf16")),
        ("0, GPU-aa11, 7.5", None, ("cuda", "fp32")),
        ("0, GPU-aa11, 7.5\n1, GPU-bb22, 12.0", "1", ("cuda", "bf16")),
        ("0, GPU-aa11, 7.5\n1, GPU-bb22, 8.0", "GPU-bb", ("cuda", "bf16")),
        ("0, GPU-aa11, 7.5\n1, GPU-bb22, 8.0", "0,1", ("cuda", "fp32")),
        ("0, GPU-aa11, 9.0", "", ("cpu", "fp32")),
        ("0, GPU-aa11, 9.0", "-1", ("cpu", "fp32")),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", None, ("cpu", "fp32")),
        ("No devices were found", None, ("cpu", "fp32")),
        ("0, GPU-aa11, [N/A]", None, ("cpu", "fp32")),
    ],
)
def test_the_first_visible_gpu_decides(
    gpus: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, listed: str, visible: str | None, found: tuple[str, str]
) -> None:
    gpus(listed)
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset())
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device.resolve("auto")[:2] == found
    assert device.resolve("bf16").dtype == "bf16"
    assert device.resolve("fp32").dtype == "fp32"


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [({"avx2", "avx512f"}, "fp32"), ({"avx512_bf16"}, "bf16"), ({"amx_bf16"}, "bf16"), ({"asimd", "bf16"}, "bf16"), (set(), "fp32")],
)
def test_the_processor_s_flags_decide_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, flags: set[str], dtype: str) -> None:
    monkeypatch.setattr(device, "cuda_capability", lambda: None)
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset(flags))
    assert device.resolve("auto")[:2] == ("cpu", dtype)


def test_a_gpu_that_torch_was_not_built_for_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "torch_has_cuda", lambda: False)
    monkeypatch.setattr(device, "cuda_capability", lambda: (9, 0))
    assert device.resolve("auto").device == "cpu"


@pytest.mark.parametrize(
    ("line", "built"), [("cuda: Optional[str] = None", False), ("cuda: Optional[str] = '12.8'", True), ("cuda = '12.8'", True)]
)
def test_what_torch_was_built_for_is_read_from_its_version_file(
    fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, built: bool
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text(f"__version__ = '2'\n{line}\nhip: Optional[str] = None\n")
    monkeypatch.setattr(device, "find_spec", lambda name: type("Spec", (), {"origin": str(tmp_path / name / "__init__.py")}))
    assert device.torch_has_cuda() is built


def test_threads_follow_omp_num_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert device.cpu_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert device.cpu_threads() >= 1


def test_the_engine_s_torch_agrees_and_is_not_imported_for_it() -> None:
    """In a process of its own: the answer is there before torch is, and torch then says the same."""
    code = """
import sys
from engine.catalog.device import resolve
found = resolve()
assert "torch" not in sys.modules
import torch
assert (found.device == "cuda") == torch.cuda.is_available(), found
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
