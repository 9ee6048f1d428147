"""The published measurements, and the question that each of them answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.planner.options import Options, read_options

_HERE = Path(__file__).parent
_GPUS = {"A100-80GB": "A100 80GB SXM", "A100-40GB": "A100 40GB SXM", "A10G-24GB": "A10G", "A40-48GB": "A40", "L40S-48GB": "L40S"}
_MODELS = {
    "TheBloke/Mistral-7B-v0.1-GPTQ": "mistralai/Mistral-7B-v0.1",
    "TheBloke/Mixtral-8x7B-Instruct-v0.1-GPTQ": "mistralai/Mixtral-8x7B-v0.1",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "mistralai/Mixtral-8x7B-v0.1",
}
_QWEN = {"Qwen/Qwen-1_8B-Chat": (2048, 5504, 24, 16, 151936), "Qwen/Qwen-7B-Chat": (4096, 11008, 32, 32, 151936),
         "Qwen/Qwen-14B-Chat": (5120, 13696, 40, 40, 152064)}  # fmt: skip


_SWIFT_TOKENS = 3234
"""Mean length of ms-swift's texts, before they are cut; see the rows' notes."""


class Row(NamedTuple):
    """A measurement and the options it was made with."""

    id: str
    model: str
    """The model that was packed, where packed ones were published under names of their own."""
    method: str
    source: str
    measure: str
    """allocated or reserved."""
    trust: str
    measured_gib: float
    smi_gib: float | None
    options: Options


@cache
def rows() -> tuple[Row, ...]:
    """All usable rows on one GPU."""
    found = json.loads((_HERE / "measured.json").read_bytes())["rows"]
    return tuple(_row(row) for row in found)


def _row(row: dict[str, Any]) -> Row:
    return Row(
        row["id"], _MODELS.get(row["model"], row["model"]), row["method"], row["source"].split(":")[0], row["measure"], row["trust"], row["peak_gib"],
        row.get("peak_nvidia_smi_gib"), read_options(question(row)),
    )  # fmt: skip


def question(row: dict[str, Any]) -> dict[str, Any]:
    """The options of a row as its source describes them; what the source leaves open follows the code of the time."""
    source = row["source"]
    values: dict[str, Any] = {
        **_model(row["model"]), "method": row["method"], "seq_len": row["seq_len"], "micro_batch": row["micro_batch"],
        "checkpointing": "full" if row.get("grad_ckpt") else "none", "attention": row.get("attention") or "sdpa",
        "gpu": _GPUS.get(row["gpu"], "A100 80GB SXM"), "optimizer": "adamw" if row.get("optimizer", "").startswith("adamw") else "sgd",
        "weights": {"gptq4": "nf4-dq", "gptq8": "int8"}.get(row["weights_dtype"], row["weights_dtype"]), "autocast": "none",
    }  # fmt: skip
    if row["method"] != "full":
        values |= {"rank": row["lora_r"], "targets": _targets(row)}
    if row.get("trainable_dtype"):
        values["trainable_dtype"] = row["trainable_dtype"]
    if "fms-acceleration" in source:
        values |= _fms(row)
    elif "litgpt" in source:
        values |= {"software": "litgpt", "logits": "chunked"}
    elif "swift" in source:  # its QLoRA went through kbit_prepare
        values |= {"kbit_prepare": row["weights_dtype"].startswith("nf4")}
        values |= {"tokens_per_example": _SWIFT_TOKENS, "logits": "legacy", "dynamic_padding": True}
        values |= {"trainable_dtype": "bf16" if row["method"] == "full" else "fp32"}
    elif "fsdp_qlora" in source:
        values |= {"logits": "whole"}
    return values


def _fms(row: dict[str, Any]) -> dict[str, Any]:
    """transformers 4.4x: legacy loss, fp32 adapters; Triton kernels where the row's framework is foak; see the rows' notes."""
    notes = row["notes"]
    triton = "Triton" in notes or "foak" in row["id"]
    later = row["source"].endswith("liger.csv")
    out: dict[str, Any] = {"logits": "inplace" if triton and later else "legacy", "software": "hf-triton" if triton else "hf"}
    if row.get("fused_ce"):
        out["logits"] = "fused"
    if row["method"] != "full":
        out["trainable_dtype"] = "fp32"
    if "prepare_model_for_kbit_training" in notes:
        out["kbit_prepare"] = True
    return out


def _targets(row: dict[str, Any]) -> str:
    words: dict[str, str] = {
        "all-linear+head": "all-linear",
        "qkvo (c_attn also listed)": "qkvo",
        "c_attn": "q,v" if row["model"] not in _QWEN else "q_proj,k_proj,v_proj",
    }
    named = str(row["lora_targets"])
    return words.get(named, named)


def _model(name: str) -> dict[str, Any]:
    if name in _QWEN:
        h, i, layers, heads, vocab = _QWEN[name]
        return {"config": {"model_type": "qwen2", "hidden_size": h, "intermediate_size": i, "num_hidden_layers": layers,
                           "num_attention_heads": heads, "vocab_size": vocab, "max_position_embeddings": 32768}}  # fmt: skip
    if name.startswith("custom/llama-1b"):
        return {"config": {"model_type": "llama", "hidden_size": 2048, "intermediate_size": 4096, "num_hidden_layers": 24,
                           "num_attention_heads": 16, "vocab_size": 32000, "max_position_embeddings": 4096}}  # fmt: skip
    return {"model": _MODELS.get(name, name)}
