"""The cards against the models that transformers builds from the same configuration."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from engine.catalog.models import DEFAULT_MODEL, MODELS, find_card, is_hub_id, is_nano, is_present, model_dir, offline_models
from engine.contracts import SpecError
from engine.models.nano.grammar import VOCABULARY


@pytest.mark.parametrize("name", MODELS)
def test_card_equals_the_model_built_from_its_config(name: str) -> None:
    card = MODELS[name]
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**card.config))
    assert model.num_parameters() == card.parameters
    linear = {n.rsplit(".", 1)[1]: tuple(m.weight.shape) for n, m in model.model.named_modules() if isinstance(m, torch.nn.Linear)}
    assert linear == card.linear_modules


def test_known_sizes() -> None:
    assert MODELS[DEFAULT_MODEL].parameters == 134_515_008  # as published for SmolLM2-135M
    assert [MODELS[name].parameters for name in ("nano-0.1m", "nano-0.5m", "nano-2m")] == [95_568, 467_808, 1_820_352]


def test_nano_vocabulary_is_the_grammar_s() -> None:
    assert {card.config["vocab_size"] for name, card in MODELS.items() if is_nano(name)} == {len(VOCABULARY)}


def test_every_nano_model_is_present_without_set_up() -> None:
    assert [name for name in MODELS if is_nano(name) and is_present(name)] == [name for name in MODELS if is_nano(name)]


def test_presence_follows_the_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DELTALAB_HOME", str(tmp_path))
    assert not is_present(DEFAULT_MODEL)
    folder = model_dir(DEFAULT_MODEL)
    folder.mkdir(parents=True)
    (folder / "card.json").write_text('{"bytes": 3, "sha256": ""}')
    (folder / "model.safetensors").write_bytes(b"ab")
    assert not is_present(DEFAULT_MODEL)
    (folder / "model.safetensors").write_bytes(b"abc")
    assert is_present(DEFAULT_MODEL)
    assert DEFAULT_MODEL in offline_models()


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SpecError, match="smollm2-135m-instruct, nano-0.1m"):
        find_card("gpt-9")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("org/name", True), ("meta-llama/Llama-3.2-1B", True), ("nano-2m", False), ("a/b/c", False), ("../etc", False), ("a/..", False)],
)
def test_hub_ids(name: str, expected: bool) -> None:
    assert is_hub_id(name) is expected


def test_catalogue_and_grammar_import_no_torch() -> None:
    code = "import sys, engine.catalog.models, engine.models, engine.tasks.stories; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
