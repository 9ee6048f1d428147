"""What prompt and prefix tuning share: where the learned positions start from, the mask that lets them be seen, and how they are saved."""

from __future__ import annotations

from pathlib import Path

import peft
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import AutoTokenizer, DynamicCache

from engine.contracts import RunError, RunSpec
from engine.tasks import load as load_task


@torch.no_grad()
def start_vectors(model: nn.Module, spec: RunSpec) -> torch.Tensor:
    """k vectors (k, d) in fp32, in the space of the token embeddings, for `spec.token_init`.

    "text" takes the embeddings of the task's instruction, repeated or cut to k tokens. "random" draws each number from a
    normal distribution with the spread of that dimension over all real tokens.
    """
    k, table = spec.virtual_tokens, model.get_input_embeddings().weight
    assert k is not None
    if spec.token_init == "random":
        return (torch.randn(k, table.shape[1]) * table.float().std(dim=0).cpu()).to(table.device)
    tokenizer = AutoTokenizer.from_pretrained(model.name_or_path, local_files_only=True, trust_remote_code=False)
    task = load_task(spec.task)
    ids = tokenizer(task.instruction or task.summary, add_special_tokens=False).input_ids
    return table[(ids * (k // len(ids) + 1))[:k]].float()


@torch.no_grad()
def start_keys_values(model: nn.Module, spec: RunSpec) -> torch.Tensor:
    """Keys and values that the start vectors produce, or for "random" normal draws with their spread at each layer.

    Raises:
        RunError: The model keeps no keys and values, or not the same number of them at each layer.
    """
    vectors = start_vectors(model, spec).to(model.dtype)[None]
    cache = getattr(model.base_model(inputs_embeds=vectors, use_cache=True), "past_key_values", None)
    layers = [(layer[0], layer[1]) for layer in cache] if isinstance(cache, DynamicCache) else []
    if not layers or len({tensor.shape for pair in layers for tensor in pair if tensor is not None}) != 1:
        raise RunError(
            f"Prefix tuning needs keys and values of one size at every layer, and {model.config.model_type} keeps none such.",
            "Choose method prompt or lora.",
        )
    found = torch.stack([torch.stack(pair) for pair in layers])[:, :, 0].permute(3, 0, 1, 2, 4).float()
    if spec.token_init == "text":
        return found.contiguous()
    spread = found.std(dim=(0, 3, 4), keepdim=True)
    return torch.randn(found.shape).to(found.device) * spread


def see_virtual(mask: torch.Tensor, k: int) -> torch.Tensor:
    """The mask (b, s) with k ones before it, (b, k + s): every token may attend to every virtual position."""
    return torch.cat([mask.new_ones(len(mask), k), mask], dim=1)


def save_virtual(
    folder: Path, model: nn.Module, kind: type[peft.PromptLearningConfig], learned: torch.Tensor, token_dim: int, heads: int
) -> None:
    """Write what was learned, one row of numbers for each of k positions, as PEFT's own adapter of that kind.

    Args:
        learned: (k, numbers).
        token_dim: Numbers of one position in one layer, as PEFT counts them.
        heads: Attention heads that they are shared out among.
    """
    config = kind(
        task_type="CAUSAL_LM",
        num_virtual_tokens=len(learned),
        token_dim=token_dim,
        num_transformer_submodules=1,
        num_layers=model.config.num_hidden_layers,
        num_attention_heads=heads,
        base_model_name_or_path=model.name_or_path,
        inference_mode=True,
    )
    config.save_pretrained(folder)
    save_file({"prompt_embeddings": learned.contiguous().cpu()}, folder / "adapter_model.safetensors")
