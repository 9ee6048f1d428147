"""Each method's speed against the nearest peer: TRL's trainers with PEFT's own config, same rows, same order, same attention."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator

import torch

from engine.adapt import METHODS as ADAPTATIONS
from engine.catalog.defaults import default_spec
from engine.catalog.device import cpu_threads
from engine.contracts import RunSpec
from engine.models import load
from engine.objectives import DPO, Classify
from engine.objectives.pairs import draw_pairs, make_pairs
from engine.planner.answer import answer
from engine.planner.options import read_options
from engine.tasks import load as load_task
from engine.training import loop
from tests.bench.row import Row
from tests.bench.training import DEVICE, WARM_UP, Clock, adapted, our_speed, peer_config, peer_model, trainer_settings, trl_speed

STEPS, ROUNDS = 8, 2
SMOL = "smollm2-135m-instruct"
GOALS = {"full": ">= 1.0", "lora": ">= 1.3", "qlora": ">= 1.0", "prompt": ">= 1.0", "prefix": ">= 1.0"}
"""Full fine-tuning moves fp32 masters here and bf16 weights alone there; packed weights are unpacked by the same kernels in both; 20
positions more than the rows leave little to save."""


def measure() -> Iterator[Row]:
    """Ratios of training speed; padding is counted in neither, nor are virtual tokens. Before them the worker's memory."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(cpu_threads())
    yield memory_row()  # first: a process begins with its parent's height, which is still low
    for method, goal in GOALS.items():
        spec = default_spec(SMOL, "pirate", method, steps=STEPS, dtype="bf16")
        fed = list(adapted(spec)[1].batches())
        yield in_turn(
            f"{method} / SFTTrainer, eager, bf16: tokens/s",
            lambda s=spec: our_speed(s),
            lambda s=spec, f=fed: trl_speed(s, f, "eager", True),
            goal,
        )
    dpo = default_spec(SMOL, "brief", "lora", objective="dpo", pairs="made-up", steps=STEPS, dtype="bf16")
    for name, precomputed in (("as it comes", False), ("reference computed before", True)):
        yield in_turn(f"dpo / DPOTrainer, {name}: pairs/s", lambda: our_pairs(dpo), lambda p=precomputed: trl_pairs(dpo, p), ">= 1.0")
    head = default_spec(SMOL, "sentiment", "head", objective="classify", dtype="bf16")
    yield in_turn("head / Trainer, whole run: runs/s", lambda: our_head(head), lambda: trainer_head(head), ">= 1.0")


def in_turn(what: str, ours: Callable[[], float], theirs: Callable[[], float], goal: str) -> Row:
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Row(f"{what} ({mine:.3g} / {other:.3g})", f"{statistics.median(a / b for a, b in pairs):.2f}x", f"goal {goal}")


def our_pairs(spec: RunSpec) -> float:
    """Pairs a second over the steps after the warm-up; the reference is computed before the first."""
    model, tokenizer = load(spec.model, "bf16", DEVICE)
    objective = DPO(ADAPTATIONS[spec.method](model, spec), tokenizer, load_task(spec.task), spec)
    list(objective.prepare())
    steps = list(loop.optimise(objective.adaptation, objective, spec))
    return spec.micro_batch * (STEPS - WARM_UP) / (steps[-1].seconds - steps[WARM_UP - 1].seconds)


def trl_pairs(spec: RunSpec, precomputed: bool) -> float:
    """The same examples in the same order through DPOTrainer with PEFT, whose reference is the adapter off."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    model, tokenizer = load(spec.model, "bf16", DEVICE)
    examples, clock = load_task(spec.task).train[: spec.examples], Clock()
    pairs = make_pairs(ADAPTATIONS[spec.method](model, spec), tokenizer, examples, [example.rejected for example in examples])
    order = [i for group in draw_pairs(pairs, spec) for i in group]
    said = [{side: [{"role": role, "content": text}] for side, role, text in told(examples[i])} for i in order]
    with tempfile.TemporaryDirectory() as scratch:
        config = DPOConfig(**trainer_settings(spec, scratch, True), beta=spec.beta, precompute_ref_log_probs=precomputed)
        trainer = DPOTrainer(
            model=peer_model(spec, "eager", True), args=config, train_dataset=Dataset.from_list(said), processing_class=tokenizer,
            peft_config=peer_config(spec), callbacks=[clock],
        )  # fmt: skip
        trainer.train()
    return spec.micro_batch * (STEPS - WARM_UP) / clock.seconds()


def told(example):
    return (("prompt", "user", example.prompt), ("chosen", "assistant", example.answer), ("rejected", "assistant", example.rejected))


def our_head(spec: RunSpec) -> float:
    """Whole runs a second: features once, then every step on the kept ones."""
    model, tokenizer = load(spec.model, "bf16", DEVICE)
    began = time.perf_counter()
    objective = Classify(ADAPTATIONS[spec.method](model, spec), tokenizer, load_task(spec.task), spec)
    list(objective.prepare())
    list(loop.optimise(objective.adaptation, objective, spec))
    return 1 / (time.perf_counter() - began)


def trainer_head(spec: RunSpec) -> float:
    """The same through the Trainer with a frozen backbone, from a few of its steps; it runs the backbone anew in each."""
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding, Trainer, TrainingArguments

    _, tokenizer = load(spec.model, "bf16", DEVICE)
    examples, clock = load_task(spec.task).train[: spec.micro_batch * STEPS], Clock()
    labels = sorted({example.answer for example in examples})
    rows = [{"input_ids": tokenizer(e.prompt).input_ids, "labels": labels.index(e.answer)} for e in examples]
    model = peer_model(spec, "eager", True, AutoModelForSequenceClassification, num_labels=len(labels), pad_token_id=tokenizer.pad_token_id)
    model.base_model.requires_grad_(False)
    with tempfile.TemporaryDirectory() as scratch:
        config = TrainingArguments(**trainer_settings(spec.with_(steps=STEPS), scratch, True))
        Trainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows),
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[clock],
        ).train()
    return (STEPS - WARM_UP) / clock.seconds() / spec.steps


def memory_row() -> Row:
    """What a worker's full fine-tuning had resident at its height, less what it has before a model is there, beside the calculator's sum."""
    spec = default_spec(SMOL, "pirate", "full", steps=3, eval_every=0, dtype="bf16")
    asked = {
        "method": "full",
        "weights": "bf16",
        "trainable_dtype": "fp32",
        "seq_len": 64,
        "micro_batch": spec.micro_batch,
        "attention": "eager",
    }
    said = answer(read_options({"model": "HuggingFaceTB/SmolLM2-135M", "gpu": "24", **asked})).estimate.peak_bytes
    peak = json.loads(alone(TRAIN, spec.to_json()))
    return Row(f"full: worker {peak / 2**30:.2f} GiB beyond its libraries / calculator {said / 2**30:.2f} GiB", f"{peak / said:.2f}x")


TRAIN = """
import sys
from engine.contracts import RunSpec
from engine.training import train
from engine.training.loop import optimise, peak_memory_bytes
before = peak_memory_bytes()
for _ in train(RunSpec.from_json(sys.argv[1])):
    pass
print(peak_memory_bytes() - before)
"""


def alone(script: str, *arguments: str) -> str:
    """Last line of a script in a process of its own."""
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True).stdout.splitlines()[-1]
