"""Loading a base model: from this machine, else from the hub when there is one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from engine.catalog.models import find_card, is_hub_id, is_nano, is_present, model_dir, read_record
from engine.contracts import RunError
from engine.models.smollm2 import sha256_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}{% endfor %}"
"""For a hub model that was never taught a chat format: the texts, one a line."""


def load(name: str, dtype: str = "fp32", device: str = "cpu") -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model in evaluation mode, and its tokenizer, which always has a chat template.

    Args:
        name: Name in the catalogue, or a hub id "org/name".
        dtype: "fp32" or "bf16": what the weights are held and computed in.
        device: "cpu" or "cuda". Attention is "eager" on a CPU, where it is the faster one in bf16, and "sdpa" on CUDA.

    Raises:
        SpecError: The name is neither in the catalogue nor a hub id.
        RunError: The model is not on this machine, its weight file is corrupt, or a hub model cannot be had or does not fit.
    """
    if is_hub_id(name):
        return _load_from_hub(name, dtype, device)
    find_card(name)
    if not is_present(name):
        raise RunError(f"{name} is not on this machine, or was cut short.", f"Get it with: python -m engine models --fetch {name}")
    with ThreadPoolExecutor(1) as beside:
        check = beside.submit(_check_weights, name)  # hashing leaves the interpreter free to load meanwhile
        try:
            loaded = _read(model_dir(name), dtype, device)
        except Exception:
            check.result()  # when the file is corrupt, that is the sentence to show
            raise
        check.result()
    return loaded


def _load_from_hub(name: str, dtype: str, device: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from engine.models.hub import download

    folder = download(name, dtype, device)
    try:
        model, tokenizer = _read(folder, dtype, device)
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise RunError(
            f"{name} cannot be loaded: {reason}.",
            "Choose a causal language model that transformers knows by itself; code that comes with a model is never run.",
        ) from error
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.chat_template = tokenizer.chat_template or PLAIN_TEMPLATE
    return model, tokenizer


def _check_weights(name: str) -> None:
    weights = model_dir(name) / "model.safetensors"
    if sha256_of(weights) == read_record(name)["sha256"]:
        return
    again = f"make it again: python -m engine.models.nano.pretrain {name}" if is_nano(name) else f"python -m engine models --fetch {name}"
    raise RunError(f"The weight file of {name} is corrupt: its SHA-256 is not the one recorded.", f"Delete {weights}, then {again}")


def _read(folder: Path, dtype: str, device: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    if device == "cuda":  # cuDNN's attention gives gradients that are not numbers where a row is mostly padding (torch 2.11, H100)
        torch.backends.cuda.enable_cudnn_sdp(False)
    logging.disable_progress_bar()  # half a second of loading needs none, and it would mix with the events on a terminal
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    return read_weights(folder, dtype, device), tokenizer


def read_weights(folder: Path, dtype: str, device: str) -> PreTrainedModel:
    """The model in a folder of transformers' format, in evaluation mode; only safetensors are read."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[dtype],
        attn_implementation="eager" if device == "cpu" else "sdpa",
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
    )
    return model.to(device).eval()
