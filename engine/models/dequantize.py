"""From a Llama model in a GGUF file to safetensors, tokenizer and chat template that transformers loads directly.

transformers can read such a file, but the model that it gives refuses to be saved, so the three steps are done here: undo
the quantization, undo the reordering of query and key rows, rename. The weights come out the same, rounded to bf16.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_CONTROL_TOKEN = 3
"""GGUF's token type of tokens that are no text."""


def write_model(source: Path, folder: Path, config: dict[str, Any]) -> None:
    """Write config.json, generation_config.json, model.safetensors (bf16) and the tokenizer's files into the folder."""
    reader = gguf.GGUFReader(source)
    weights = {_hf_name(tensor.name): _weight(tensor, config) for tensor in reader.tensors}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer = _tokenizer(reader)
    tokenizer.save_pretrained(folder)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    written = {"architectures": ["LlamaForCausalLM"], **config, **ends, "dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(ends, indent=2) + "\n")


def _hf_name(name: str) -> str:
    """blk.3.attn_q.weight -> model.layers.3.self_attn.q_proj.weight. The head is absent, since it is tied."""
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{_BLOCK_NAMES[part]}.weight"


def _weight(tensor: gguf.ReaderTensor, config: dict[str, Any]) -> torch.Tensor:
    values = gguf.dequantize(tensor.data, tensor.tensor_type)
    if ".attn_q." in tensor.name:
        values = _halves_from_pairs(values, config["num_attention_heads"])
    elif ".attn_k." in tensor.name:
        values = _halves_from_pairs(values, config["num_key_value_heads"])
    return torch.from_numpy(np.array(values, dtype=np.float32)).to(torch.bfloat16)


def _halves_from_pairs(values: np.ndarray, heads: int) -> np.ndarray:
    """Reorder the rows of each head, (out, in) -> (out, in).

    GGUF rotates neighbouring rows (0, 1), (2, 3), ... together (rotary embedding as in Su et al. 2021, 2104.09864);
    transformers rotates row i with row i + head/2.
    """
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _tokenizer(reader: gguf.GGUFReader) -> PreTrainedTokenizerFast:
    """Byte-level BPE with single digits, as the file's "smollm" pre-tokenizer says, and ChatML without a default system prompt."""
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    kinds = reader.fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(pair.split(" ", 1)) for pair in reader.fields["tokenizer.ggml.merges"].contents()]
    bpe = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(t, special=True) for t, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL_TOKEN])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        padding_side="left",
        model_max_length=reader.fields["llama.context_length"].contents(),
        clean_up_tokenization_spaces=False,
        chat_template=CHATML,
    )
