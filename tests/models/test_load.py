"""Loading: corrupt files, hub ids, and the default model itself."""

from __future__ import annotations

import shutil
import time

import pytest
import torch

from engine.catalog import models as catalog
from engine.catalog.models import DEFAULT_MODEL, MODELS, model_dir
from engine.contracts import RunError, SpecError
from engine.models import hub, load

NANO = "nano-0.1m"


@pytest.fixture
def copied_ladder(tmp_path, monkeypatch):
    """A copy of the smallest model that a test may damage."""
    shutil.copytree(model_dir(NANO), tmp_path / NANO)
    monkeypatch.setattr(catalog, "_NANO_WEIGHTS", tmp_path)
    return tmp_path / NANO


@pytest.mark.parametrize("place", [4, 1000, -1])
def test_a_flipped_byte_is_refused(copied_ladder, place) -> None:
    """In the header's length or text, which breaks loading, and in a weight, which nothing else would notice."""
    weights = copied_ladder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[place] ^= 1
    weights.write_bytes(data)
    with pytest.raises(RunError, match="weight file of nano-0.1m is corrupt"):
        load(NANO)


def test_a_file_cut_short_is_refused(copied_ladder) -> None:
    weights = copied_ladder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(RunError, match="cut short"):
        load(NANO)


@pytest.mark.parametrize(("dtype", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_dtype_and_mode(dtype, expected) -> None:
    model, tokenizer = load(NANO, dtype)
    assert {p.dtype for p in model.parameters()} == {expected}
    assert not model.training
    assert model.config._attn_implementation == "eager"
    assert tokenizer.chat_template


def test_unknown_name_is_a_spec_error() -> None:
    with pytest.raises(SpecError, match="not in the catalogue"):
        load("gpt-9")


def test_offline_hub_id_answers_at_once_with_what_works(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", _no_network)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    started = time.perf_counter()
    with pytest.raises(RunError, match="Without a network these models work: .*nano-0.1m"):
        load("nobody/nothing")
    assert time.perf_counter() - started < 2


def _no_network(*_: object, **__: object) -> None:
    raise ConnectionError("no route to host")


def test_a_hub_that_hangs_counts_as_offline(monkeypatch, tmp_path) -> None:
    import threading

    release = threading.Event()
    monkeypatch.setattr(hub, "SECONDS_TO_ANSWER", 0.05)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: release.wait(30))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RunError, match="The hub does not answer"):
        load("nobody/nothing")
    release.set()


def _info(safetensors: object):
    return lambda *_, **__: type("Info", (), {"safetensors": safetensors, "sha": "0" * 40})()


def test_a_hub_model_too_large_is_refused_with_the_sum(monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", _info(type("Weights", (), {"total": 7_000_000_000})()))
    monkeypatch.setattr(hub, "free_bytes", lambda device: 8_000_000_000)
    with pytest.raises(RunError, match=r"7\.00 billion parameters x 2 bytes \(bf16\) = 14\.0 GB of weights, and 8\.0 GB"):
        load("org/large", "bf16")


def test_a_hub_model_of_the_cache_is_held_against_memory_too(monkeypatch) -> None:
    """Without a network, by the headers of its files."""
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", _no_network)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(model_dir(NANO)))
    assert hub.count_parameters(model_dir(NANO)) == MODELS[NANO].parameters
    monkeypatch.setattr(hub, "free_bytes", lambda device: 4 * MODELS[NANO].parameters - 1)
    with pytest.raises(RunError, match="org/cached does not fit"):
        load("org/cached")
    monkeypatch.setattr(hub, "free_bytes", lambda device: 4 * MODELS[NANO].parameters)
    assert hub.download("org/cached", "fp32", "cpu") == model_dir(NANO)


def test_a_model_that_just_fits_is_not_refused() -> None:
    hub.check_fit("org/model", 1_000, "fp32", 4_000)
    with pytest.raises(RunError, match="bf16, which halves the sum"):
        hub.check_fit("org/model", 1_001, "fp32", 4_000)


def test_only_safetensors(monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", _info(None))
    with pytest.raises(RunError, match="no safetensors"):
        load("org/pickled")


def test_a_model_the_hub_hides_is_said_so(monkeypatch) -> None:
    error = OSError("gone")
    error.response = type("Response", (), {"status_code": 404})()  # type: ignore[attr-defined]

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    with pytest.raises(RunError, match="no model org/secret that it shows to you"):
        load("org/secret")


def test_memory_of_this_machine_is_a_number_of_bytes() -> None:
    assert hub.free_bytes("cpu") > 100_000_000


def test_the_default_model_answers() -> None:
    model, tokenizer = load(DEFAULT_MODEL, "bf16")
    assert model.num_parameters() == MODELS[DEFAULT_MODEL].parameters
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert "system" not in tokenizer.decode(prompt["input_ids"][0])
    with torch.no_grad():
        answer = model.generate(**prompt, max_new_tokens=12, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer, skip_special_tokens=True)
    assert answer[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("text", ["Hello, it's 2026-11-22 & 12345!", "naïve café 日本語 🙂\n\n  tabs\tdone", "def f(x):\n    return x**2"])
def test_the_default_tokenizer_round_trips(text) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_dir(DEFAULT_MODEL))
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids
