"""Training speed against TRL's SFTTrainer: same model, same rows in the same order, same batches, no padding counted.

Ours and the peer take turns (A B A B ...), and the median of the pairwise ratios is quoted, since a machine's speed drifts.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, TrainerCallback

from engine.adapt import METHODS, Adaptation
from engine.catalog.defaults import default_spec
from engine.catalog.device import cpu_threads
from engine.catalog.models import model_dir
from engine.contracts import RunSpec
from engine.models import load
from engine.objectives import SFT, sft
from engine.objectives.rows import Batch
from engine.tasks import load as load_task
from engine.training import loop
from tests.bench.row import Row

STEPS, WARM_UP, ROUNDS = 14, 2, 3
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PEERS = {
    "SFTTrainer, its default attention (sdpa), bf16": ("sdpa", True, "goal >= 1.5"),
    "SFTTrainer, the same attention (eager), bf16": ("eager", True, "goal >= 1.3"),
    "SFTTrainer untouched: fp32, sdpa": ("sdpa", False, "no goal"),
}


def measure() -> Iterator[Row]:
    """Rows: our tokens per second, the ratio to each peer, and what the loop costs beside the arithmetic."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(cpu_threads())
    spec = default_spec("smollm2-135m-instruct", "pirate", "lora", steps=STEPS, dtype="bf16")
    fed = list(adapted(spec)[1].batches())
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in PEERS}
    for _ in range(ROUNDS):
        ours.append(our_speed(spec))
        for name, (attention, bf16, _) in PEERS.items():
            theirs[name].append(trl_speed(spec, fed, attention, bf16))
    yield Row("ours: LoRA r8 all-linear, SmolLM2, 4 rows a step, bf16", f"{statistics.median(ours):.0f} tokens/s")
    for name, (_, _, goal) in PEERS.items():
        ratio = statistics.median(a / b for a, b in zip(ours, theirs[name], strict=True))
        yield Row(f"ours / {name} ({statistics.median(theirs[name]):.0f} tokens/s)", f"{ratio:.2f}x", goal)
    beside = statistics.median(overhead(spec) for _ in range(ROUNDS))
    yield Row("share of step time that is not forward, backward or optimizer", f"{100 * beside:.1f}%", "goal <= 3%")


def adapted(spec: RunSpec) -> tuple[Adaptation, SFT]:
    """The model with its adaptation, and the objective that feeds it."""
    model, tokenizer = load(spec.model, "bf16", DEVICE)
    adaptation = METHODS[spec.method](model, spec)
    return adaptation, SFT(adaptation, tokenizer, load_task(spec.task), spec)


def our_speed(spec: RunSpec) -> float:
    """Tokens per second over the steps after the warm-up."""
    steps = list(loop.optimise(*adapted(spec), spec))
    seconds = steps[-1].seconds - steps[WARM_UP - 1].seconds
    return sum(step.tokens for step in steps[WARM_UP:]) / seconds


def trl_speed(spec: RunSpec, fed: list[Batch], attention: str, bf16: bool) -> float:
    """The same rows in the same order through SFTTrainer with PEFT; no gradient checkpointing, which it turns on by default."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    flat = [
        {"input_ids": ids[mask.bool()].tolist(), "labels": labels[mask.bool()].tolist()}
        for batch in fed
        for ids, labels, mask in zip(batch.ids, batch.labels, batch.mask, strict=True)
    ]
    clock = Clock()
    with tempfile.TemporaryDirectory() as scratch:
        config = SFTConfig(**trainer_settings(spec, scratch, bf16), dataset_kwargs={"skip_prepare_dataset": True})
        model, adapter = peer_model(spec, attention, bf16), peer_config(spec)
        SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(flat), peft_config=adapter, callbacks=[clock]).train()
    return sum(batch.tokens for batch in fed[WARM_UP:]) / clock.seconds()


class Clock(TrainerCallback):
    """When each step of a Trainer ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_args, **_kwargs) -> None:
        self.ends.append(time.perf_counter())

    def seconds(self) -> float:
        """From the end of the warm-up to the last step."""
        return self.ends[-1] - self.ends[WARM_UP - 1]


def trainer_settings(spec: RunSpec, scratch: str, bf16: bool) -> dict[str, object]:
    """What every peer is told: our steps, rows and rate, and nothing beside training."""
    return {
        "output_dir": scratch, "max_steps": spec.steps, "per_device_train_batch_size": spec.micro_batch, "learning_rate": spec.learning_rate,
        "bf16": bf16, "gradient_checkpointing": False, "train_sampling_strategy": "sequential", "report_to": "none", "save_strategy": "no",
        "logging_strategy": "no", "disable_tqdm": True, "use_cpu": DEVICE == "cpu", "dataloader_pin_memory": False,
    }  # fmt: skip


def peer_model(spec: RunSpec, attention: str, bf16: bool, kind=AutoModelForCausalLM, **more):
    """The base as transformers loads it; for QLoRA packed by bitsandbytes."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    dtype = torch.bfloat16 if bf16 else torch.float32
    if spec.method == "qlora":
        double = {"bnb_4bit_use_double_quant": spec.double_quant, "bnb_4bit_compute_dtype": dtype}
        more |= {
            "quantization_config": BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type=spec.quant, **double),
            "device_map": DEVICE,
        }
    return kind.from_pretrained(model_dir(spec.model), dtype=dtype, attn_implementation=attention, **more)


def peer_config(spec: RunSpec):
    """PEFT's own settings for the spec's method; None for full fine-tuning."""
    import peft

    def lora():
        return peft.LoraConfig(r=spec.rank, lora_alpha=spec.alpha, target_modules="all-linear", task_type="CAUSAL_LM")

    soft = {"task_type": "CAUSAL_LM", "num_virtual_tokens": spec.virtual_tokens}
    return {
        "full": lambda: None,
        "lora": lora,
        "qlora": lora,
        "prompt": lambda: peft.PromptTuningConfig(**soft),
        "prefix": lambda: peft.PrefixTuningConfig(**soft),
    }[spec.method]()


def overhead(spec: RunSpec) -> float:
    """Share of the loop's wall time spent outside the loss, backward and the optimizer's step."""
    inside = 0.0

    def timed(call):
        def wrapped(*args, **kwargs):
            nonlocal inside
            began = time.perf_counter()
            result = call(*args, **kwargs)
            inside += time.perf_counter() - began
            return result

        return wrapped

    kept = (sft.sft_loss, torch.Tensor.backward, torch.optim.AdamW.step)
    sft.sft_loss, torch.Tensor.backward, torch.optim.AdamW.step = map(timed, kept)
    try:
        parts = adapted(spec)
        began = time.perf_counter()
        for _ in loop.optimise(*parts, spec):
            pass
        return 1 - inside / (time.perf_counter() - began)
    finally:
        sft.sft_loss, torch.Tensor.backward, torch.optim.AdamW.step = kept
