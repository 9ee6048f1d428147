"""Claims that people repeat, each computed with a configuration that makes it true and one that makes it false."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from engine.planner.answer import answer
from engine.planner.catalogue import find
from engine.planner.options import read_options
from engine.planner.standing import head_count, standing, trainable_count

_GPT3_PARAMS = 175_000_000_000


class Case(NamedTuple):
    """One side of a claim: the configuration in words, the figure, and whether the claim holds for it."""

    setting: str
    value: float
    unit: str
    holds: bool


class Claim(NamedTuple):
    """A claim with a case for and a case against."""

    id: str
    text: str
    true_case: Case
    false_case: Case
    source: str = ""


def _memory(**values: object) -> float:
    found = answer(read_options(values))
    return float(found.reserve.reserved_gib)


def _weights_gb(**values: object) -> float:
    options = read_options(values)
    held = standing(options, find(options.model))
    return (held.terms_bytes["weights"] + held.terms_bytes["quant_constants"]) / 1e9


def _trained(**values: object) -> int:
    options = read_options(values)
    return trainable_count(options, find(options.model))


_LLAMA7, _LLAMA70, _LLAMA65 = "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-70b-hf", "huggyllama/llama-65b"


def _card_of_24() -> Claim:
    room = answer(read_options({"model": _LLAMA7, "method": "qlora", "gpu": "24"})).gpu.usable_gib
    large = _weights_gb(model=_LLAMA70, method="qlora") / 1.073741824
    small = _memory(model=_LLAMA7, method="qlora", rank=16, targets="all-linear", checkpointing="full", gpu="24")
    return Claim(
        "70b-24gb", "QLoRA fits 70B on one 24 GB card",
        Case("Llama-2-7B, r = 16 on all linear layers, 512 tokens: memory reserved", small, "GiB", small <= room),
        Case("Llama-2-70B: NF4 weights with double quantization alone", large, "GiB", large <= room),
    )  # fmt: skip


def _card_of_48() -> Claim:
    shared = {
        "method": "qlora",
        "rank": 64,
        "targets": "all-linear",
        "checkpointing": "full",
        "optimizer": "paged-adamw-32bit",
        "gpu": "48",
    }
    small = answer(read_options({**shared, "model": _LLAMA65, "seq_len": 528}))
    large = answer(read_options({**shared, "model": _LLAMA65, "seq_len": 2048, "micro_batch": 16, "checkpointing": "none"}))
    return Claim(
        "65b-48gb", "QLoRA fits 65B on 48 GB",
        Case("LLaMA-65B, batch 1, 528 tokens, checkpointing, paged AdamW: memory reserved", small.reserve.reserved_gib, "GiB",
             small.reserve.reserved_gib <= small.gpu.usable_gib),
        Case("the same at batch 16, 2,048 tokens, without checkpointing", large.reserve.allocated_gib, "GiB",
             large.reserve.allocated_gib <= large.gpu.usable_gib),
        "Dettmers et al. 2023, 2305.14314",
    )  # fmt: skip


def gpt3_lora_params(rank: int) -> int:
    """r (in + out) on q and v of 96 layers with h = 12,288: Hu et al. 2021, 2106.09685, Table 4."""
    return 96 * 2 * rank * 2 * 12_288


def _ten_thousand() -> Claim:
    gpt3 = _GPT3_PARAMS / gpt3_lora_params(4)
    llama = find(_LLAMA7).total_params / _trained(model=_LLAMA7, rank=8, targets="q,v")
    return Claim(
        "10000x", "LoRA trains 10,000 times fewer parameters",
        Case("GPT-3 175B, r = 4 on q and v", gpt3, "times fewer", gpt3 > 9_000),
        Case("Llama-2-7B, r = 8 on q and v", llama, "times fewer", llama > 9_000),
        "Hu et al. 2021, 2106.09685, abstract",
    )  # fmt: skip


def _split_of_7b() -> Claim:
    held = standing(read_options({"model": _LLAMA7, "method": "full", "weights": "fp32", "autocast": "none"}), find(_LLAMA7))
    weights, adam, grads = held.terms_bytes["weights"] / 1e9, held.terms_bytes["optimizer"] / 1e9, held.gradients_bytes / 1e9
    total = weights + adam + grads
    return Claim(
        "28-56-30", "A 7B model needs 28 + 56 + 30 GB",
        Case("fp32 Llama-2-7B: weights + Adam + gradients in all, against 114", total, "GB", abs(total - 114) / 114 < 0.1),
        Case("its gradients, against 30", grads, "GB", abs(grads - 30) / 30 < 0.05),
    )  # fmt: skip


def _thirty_megabytes() -> Claim:
    small = 4 * _trained(model=_LLAMA7, rank=16, targets="q,v") / 1e6
    large = 4 * _trained(model=_LLAMA7, rank=64, targets="all-linear") / 1e6
    return Claim(
        "30mb", "Adapters are about 30 MB",
        Case("Llama-2-7B, r = 16 on q and v, fp32", small, "MB", 20 <= small <= 45),
        Case("Llama-2-7B, r = 64 on all linear layers, fp32", large, "MB", 20 <= large <= 45),
    )  # fmt: skip


def _prompt_share() -> Claim:
    total = find(_LLAMA7).total_params
    at_82 = 100 * _trained(model=_LLAMA7, method="prompt", virtual_tokens=82) / total
    at_10 = 100 * _trained(model=_LLAMA7, method="prompt", virtual_tokens=10) / total
    return Claim(
        "prompt-0.005", "Prompt tuning trains 0.005% of the parameters",
        Case("Llama-2-7B, 82 virtual tokens", at_82, "%", round(at_82, 3) == 0.005),
        Case("Llama-2-7B, 10 virtual tokens", at_10, "%", round(at_10, 3) == 0.005),
    )  # fmt: skip


def _prefix_share() -> Claim:
    def share(model: str, tokens: int) -> float:
        return 100 * _trained(model=model, method="prefix", virtual_tokens=tokens) / find(model).total_params

    wide, grouped = share(_LLAMA7, 100), share(_LLAMA70, 10)
    return Claim(
        "prefix-0.1-1", "Prefix tuning trains 0.1% to 1%",
        Case("Llama-2-7B, 100 virtual tokens", wide, "%", 0.1 <= wide <= 1),
        Case("Llama-2-70B, 10 virtual tokens: grouped-query attention shrinks it", grouped, "%", 0.1 <= grouped <= 1),
        "Li and Liang 2021, 2101.00190",
    )  # fmt: skip


def _one_a100() -> Claim:
    pure = answer(read_options({"model": _LLAMA7, "method": "full", "checkpointing": "full"}))
    held = standing(read_options({"model": _LLAMA7, "method": "full", "weights": "fp32", "autocast": "none"}), find(_LLAMA7))
    wide = (held.terms_bytes["weights"] + held.terms_bytes["optimizer"] + held.gradients_bytes) / 2**30
    return Claim(
        "7b-one-a100", "A 7B full fine-tuning needs one A100 80 GB",
        Case("Llama-2-7B in pure bf16, checkpointing: memory reserved", pure.reserve.reserved_gib, "GiB", pure.reserve.reserved_gib <= pure.gpu.usable_gib),
        Case("in fp32, before activations", wide, "GiB", wide <= pure.gpu.usable_gib),
    )  # fmt: skip


def _half_to_one_percent() -> Claim:
    def share(rank: int, targets: str) -> float:
        return 100 * _trained(model=_LLAMA7, rank=rank, targets=targets) / find(_LLAMA7).total_params

    wide, narrow = share(16, "all-linear"), share(8, "q,v")
    return Claim(
        "lora-0.5-1", "LoRA trains 0.5% to 1% of the parameters",
        Case("Llama-2-7B, r = 16 on all linear layers", wide, "%", 0.5 <= wide <= 1),
        Case("Llama-2-7B, r = 8 on q and v", narrow, "%", 0.5 <= narrow <= 1),
    )  # fmt: skip


def matrix_saving(rank: int, out: int, inp: int) -> tuple[int, float]:
    """LoRA's parameters for one matrix, and how many times fewer than the matrix's own."""
    count = rank * (out + inp)
    return count, out * inp / count


def _one_matrix() -> Claim:
    _, square = matrix_saving(16, 4096, 4096)
    _, grouped = matrix_saving(16, 1024, 4096)
    return Claim(
        "128x", "r = 16 is 131K parameters for a matrix, 128 times fewer",
        Case("a 4,096 x 4,096 matrix", square, "times fewer", round(square) == 128),
        Case("Llama-3-8B's k: 1,024 x 4,096", grouped, "times fewer", round(grouped) == 128),
    )  # fmt: skip


def _as_little_as() -> Claim:
    low = 100 * _trained(model=_LLAMA7, rank=4, targets="q,v") / find(_LLAMA7).total_params
    high = 100 * _trained(model=_LLAMA7, rank=64, targets="all-linear") / find(_LLAMA7).total_params
    return Claim(
        "0.05-percent", "As little as 0.05% is trained",
        Case("Llama-2-7B, LoRA r = 4 on q and v", low, "%", low <= 0.05),
        Case("Llama-2-7B, LoRA r = 64 on all linear layers", high, "%", high <= 0.05),
    )  # fmt: skip


def _head_share() -> Claim:
    bert, classes = find("google-bert/bert-base-uncased"), 150
    large = 100 * head_count(bert, classes) / bert.total_params
    two = 100 * head_count(bert, 2) / bert.total_params
    return Claim(
        "head-0.1", "A head is 0.1% of the model",
        Case("BERT base, 150 classes", large, "%", 0.05 <= large <= 0.15),
        Case("BERT base, 2 classes", two, "%", 0.05 <= two <= 0.15),
    )  # fmt: skip


def _few_megabytes() -> Claim:
    large = 4 * _trained(model=_LLAMA70, method="prompt", virtual_tokens=100) / 1e6
    small = 4 * _trained(model="HuggingFaceTB/SmolLM2-135M", method="prompt", virtual_tokens=20) / 1e6
    return Claim(
        "prompt-mb", "Prompt tuning stores a few MB",
        Case("Llama-2-70B, 100 virtual tokens, fp32", large, "MB", 1 <= large <= 10),
        Case("SmolLM2-135M, 20 virtual tokens, fp32", small, "MB", 1 <= small <= 10),
    )  # fmt: skip


_ALL: tuple[Callable[[], Claim], ...] = (
    _card_of_24, _card_of_48, _ten_thousand, _split_of_7b, _thirty_megabytes, _prompt_share, _prefix_share, _one_a100, _half_to_one_percent,
    _one_matrix, _as_little_as, _head_share, _few_megabytes,
)  # fmt: skip


def claims() -> list[Claim]:
    """All claims, computed now."""
    return [make() for make in _ALL]
