"""The base models that the course ships with, as data: shapes, sizes, licences, where they lie. No torch.

Everything that follows from a model's configuration (parameters, bytes, module shapes) is computed from it, so that a
card and the real model cannot drift apart; a test builds each model and compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from engine.contracts import SpecError
from engine.home import data_home

DEFAULT_MODEL = "smollm2-135m-instruct"
CHAT_TASKS = ("pirate", "sentiment-json", "sentiment", "facts", "instructions", "brief")
NANO_TASKS = ("stories", "orders", "endings", "story-mood")
BYTES_PER_WEIGHT = 2
"""All shipped weights are stored in bf16."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_NANO_WEIGHTS = Path(__file__).resolve().parent.parent / "models" / "nano" / "weights"


class ModelCard(NamedTuple):
    """One base model."""

    name: str
    title: str
    parameters: int
    """Tied embeddings counted once."""
    licence: str
    bytes: int
    """Weights on disk."""
    fetch_bytes: int
    """What set-up downloads; 0 when the model ships with the program."""
    tasks: tuple[str, ...]
    """Names of the tasks that suit it, the first one being the best start."""
    note: str
    config: dict[str, Any]
    """The fields of config.json that decide shapes and arithmetic."""
    linear_modules: dict[str, tuple[int, int]]
    """Linear layers that every block has: name -> (out, in)."""


def linear_shapes(config: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """The seven linear layers of a Llama block, name -> (out, in), from the fields of a config.json."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    return {
        "q_proj": (queries, hidden),
        "k_proj": (keys, hidden),
        "v_proj": (keys, hidden),
        "o_proj": (hidden, queries),
        "gate_proj": (inner, hidden),
        "up_proj": (inner, hidden),
        "down_proj": (hidden, inner),
    }


def count_parameters(config: dict[str, Any]) -> int:
    """Parameters of a Llama model without biases: embedding (and head, unless tied), blocks with two norms, last norm."""
    hidden = config["hidden_size"]
    embeddings = config["vocab_size"] * hidden * (1 if config["tie_word_embeddings"] else 2)
    block = sum(rows * columns for rows, columns in linear_shapes(config).values()) + 2 * hidden
    return embeddings + config["num_hidden_layers"] * block + hidden


def _card(name: str, title: str, licence: str, fetch_bytes: int, tasks: tuple[str, ...], note: str, config: dict[str, Any]) -> ModelCard:
    parameters = count_parameters(config)
    return ModelCard(
        name, title, parameters, licence, parameters * BYTES_PER_WEIGHT, fetch_bytes, tasks, note, config, linear_shapes(config)
    )


def _llama(hidden: int, inner: int, layers: int, heads: int, kv_heads: int, vocabulary: int, context: int, theta: float) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "rope_theta": theta,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
    }


_SMOLLM2 = _card(
    name=DEFAULT_MODEL,
    title="SmolLM2 135M Instruct",
    licence="Apache-2.0",
    fetch_bytes=92_871_040,
    tasks=CHAT_TASKS,
    note=(
        "Made by Hugging Face (Ben Allal et al. 2025, 2502.02737). The weights come from a Q4_1 file, 4 bits a weight with a scale and "
        "an offset for every 32, and are dequantized once to bf16: they differ slightly from the original, and so do its answers. "
        "The chat template is the original's without its default system prompt, which saves 20 tokens a row."
    ),
    config=_llama(576, 1536, 30, 9, 3, 49_152, 8192, 100_000.0),
)

NANO_VOCABULARY = 256
_NANO_CONTEXT = 128
_NANO_SIZES = {
    "nano-0.1m": _llama(48, 128, 3, 4, 4, NANO_VOCABULARY, _NANO_CONTEXT, 10_000.0),
    "nano-0.5m": _llama(96, 256, 4, 4, 4, NANO_VOCABULARY, _NANO_CONTEXT, 10_000.0),
    "nano-2m": _llama(192, 512, 4, 6, 6, NANO_VOCABULARY, _NANO_CONTEXT, 10_000.0),
}
_NANO_NOTE = "Pretrained by this project's own recipe on stories from its own grammar; it knows a few hundred words and nothing else."
_CONTROL_NOTE = (
    "Like its twin, but half of the stories it was pretrained on began with two control words that name their ending and their voice, "
    "so it has learned to be steered by a prefix (compare Keskar et al. 2019, CTRL, 1909.05858)."
)


def _nano_cards() -> list[ModelCard]:
    cards = []
    for name, config in _NANO_SIZES.items():
        title = f"Nano {name.removeprefix('nano-').upper()}"
        cards.append(_card(name, title, "MIT", 0, NANO_TASKS, _NANO_NOTE, config))
        cards.append(_card(f"{name}-control", f"{title}, steerable", "MIT", 0, NANO_TASKS, f"{_NANO_NOTE} {_CONTROL_NOTE}", config))
    return cards


MODELS: dict[str, ModelCard] = {card.name: card for card in (_SMOLLM2, *_nano_cards())}
"""Every model that the catalogue knows, the default first."""


def is_nano(name: str) -> bool:
    """Whether the model belongs to the nano ladder, which ships with the program."""
    return name in MODELS and name.startswith("nano-")


def is_hub_id(name: str) -> bool:
    """Whether the name has the form of a hub id, "org/name", rather than of a name in the catalogue."""
    return bool(_HUB_ID.fullmatch(name)) and ".." not in name


def find_card(name: str) -> ModelCard:
    """The card of a model in the catalogue. Raises SpecError, with the names that exist, for any other."""
    if name not in MODELS:
        raise SpecError(f"model={name!r:.60} is not in the catalogue; choose one of {', '.join(MODELS)}, or a hub id such as org/name")
    return MODELS[name]


def model_dir(name: str) -> Path:
    """Folder of a catalogue model's files, whether they are there or not. Raises SpecError for an unknown name."""
    find_card(name)
    return _NANO_WEIGHTS / name if is_nano(name) else data_home() / "models" / name


def is_present(name: str) -> bool:
    """Whether a catalogue model can be loaded now: its weight file has the size that its card or manifest recorded.

    Cheap, since pages ask often: no checksum (loading computes that) and no torch.
    """
    if name not in MODELS:
        return False
    try:
        recorded = read_record(name)["bytes"]
        return (model_dir(name) / "model.safetensors").stat().st_size == recorded
    except (OSError, ValueError, KeyError):
        return False


def can_ask(name: str) -> bool:
    """Whether a run of this model may be asked for: it is here, or it is a hub id, which the run itself gets or refuses."""
    return is_present(name) or is_hub_id(name)


def read_record(name: str) -> dict[str, Any]:
    """What was written down when the weights were made, card.json: at least `bytes` and `sha256` of model.safetensors.

    Raises:
        OSError: The model is not there.
        ValueError: The file is not JSON.
    """
    record: dict[str, Any] = json.loads((model_dir(name) / "card.json").read_text(encoding="utf-8"))
    return record


def offline_models() -> list[str]:
    """Names of the models that work now without a network."""
    return [name for name in MODELS if is_present(name)]
