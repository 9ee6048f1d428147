"""The recipe that made the nano models, and makes them again: python -m engine.models.nano.pretrain nano-0.5m

Every batch is drawn afresh from the grammar, so no story is seen twice on purpose and there is nothing to overfit to. A
`-control` twin gets the very same stories; every second one of them begins with the two control words that tell its
ending and its voice.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from engine.catalog.models import find_card, is_nano, model_dir
from engine.contracts import SpecError
from engine.models.nano.grammar import CONTROLS, END, PAD, VOCABULARY, Story, draw_story
from engine.models.nano.tokenizer import make_tokenizer

IGNORED = -100
SEED = 0
THREADS = 1
"""More threads cost such small matrices more than they give, and another number of them gives other sums in the last digit."""
VALIDATION_SEED = 1_000_003
VALIDATION_STORIES = 512
BETAS = (0.9, 0.98)
WEIGHT_DECAY = 0.05
MAX_GRAD_NORM = 1.0
WARMUP_SHARE = 0.05
CONTROL_EVERY = 2
"""In a -control twin every second story has control words."""
OPENING_EVERY = 4
"""Openings are scored in every fourth story only: they are random draws, with little to learn, and their noise slows the copying."""


class Recipe(NamedTuple):
    """What differs between the sizes."""

    steps: int
    batch_stories: int
    learning_rate: float


RECIPES = {
    "nano-0.1m": Recipe(steps=360, batch_stories=32, learning_rate=8e-3),
    "nano-0.5m": Recipe(steps=480, batch_stories=24, learning_rate=5e-3),
    "nano-2m": Recipe(steps=400, batch_stories=16, learning_rate=3e-3),
}

Report = Callable[[int, int, float], None]
"""(step, steps, loss), called after each step."""


def pretrain(name: str, report: Report = lambda step, steps, loss: None, folder: Path | None = None) -> float:
    """Make a nano model from nothing and write it, with its card, into `folder` (its place in the repository by default).

    Returns:
        Validation loss in nats a token over 512 stories without control words, as the card records it.

    Raises:
        SpecError: The name is not one of the nano ladder.
    """
    if not is_nano(name):
        raise SpecError(f"model={name!r:.60} is not of the nano ladder; only nano models are pretrained here")
    recipe, started = RECIPES[name.removesuffix("-control")], time.process_time()
    torch.manual_seed(SEED)
    threads_before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    model = LlamaForCausalLM(_config(name))
    try:
        _train(model, recipe, name.endswith("-control"), report)
    finally:
        torch.set_num_threads(threads_before)
    model.to(torch.bfloat16).to(torch.float32)  # the loss that is recorded is that of the weights as they are stored
    loss = validation_loss(model)
    _write(model, name, folder or model_dir(name), recipe, loss, time.process_time() - started)
    return loss


def _config(name: str) -> LlamaConfig:
    """The card's shape. Weights start at 1/√d, not at transformers' 0.02, which leaves small models on a long plateau."""
    shape = find_card(name).config
    ends = {"bos_token_id": None, "eos_token_id": VOCABULARY.index(END), "pad_token_id": VOCABULARY.index(PAD)}
    return LlamaConfig(**shape, **ends, initializer_range=shape["hidden_size"] ** -0.5)


def _train(model: LlamaForCausalLM, recipe: Recipe, with_control: bool, report: Report) -> None:
    rng = random.Random(SEED)
    tokenizer = make_tokenizer(model.config.max_position_embeddings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _warmup_then_cosine(step, recipe.steps))
    for step in range(1, recipe.steps + 1):
        stories = [draw_story(rng) for _ in range(recipe.batch_stories)]
        loss = model(**_batch(tokenizer, stories, with_control)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        report(step, recipe.steps, loss.item())


def _warmup_then_cosine(step: int, steps: int) -> float:
    """Share of the peak learning rate: a straight climb, then half a cosine down to a twentieth."""
    warmup = WARMUP_SHARE * steps
    if step < warmup:
        return (step + 1) / warmup
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def _batch(tokenizer: Any, stories: list[Story], with_control: bool, opening_every: int = OPENING_EVERY) -> dict[str, torch.Tensor]:
    """(stories, tokens) of ids and labels. Pads stand on the right; they, control words and most openings carry no loss."""
    prefixes = [f"{story.control} " if with_control and i % CONTROL_EVERY == 0 else "" for i, story in enumerate(stories)]
    texts = [f"{prefix}{story.opening} {story.rest}{END}" for prefix, story in zip(prefixes, stories, strict=True)]
    ids = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")["input_ids"]
    unscored = torch.tensor([VOCABULARY.index(word) for word in (PAD, *CONTROLS)])
    labels = ids.masked_fill(torch.isin(ids, unscored), IGNORED)
    for i, (prefix, story) in enumerate(zip(prefixes, stories, strict=True)):
        if (i // CONTROL_EVERY) % opening_every:
            labels[i, : len(tokenizer(prefix + story.opening)["input_ids"])] = IGNORED
    return {"input_ids": ids, "labels": labels}


@torch.no_grad()
def validation_loss(model: LlamaForCausalLM) -> float:
    """Nats a token over a fixed set of stories without control words."""
    rng = random.Random(VALIDATION_SEED)
    tokenizer = make_tokenizer(model.config.max_position_embeddings)
    stories = [draw_story(rng) for _ in range(VALIDATION_STORIES)]
    return model.eval()(**_batch(tokenizer, stories, with_control=False, opening_every=1)).loss.item()


def _write(model: LlamaForCausalLM, name: str, folder: Path, recipe: Recipe, loss: float, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items() if key != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.architectures, model.config.dtype = ["LlamaForCausalLM"], torch.bfloat16
    model.config.save_pretrained(folder)
    make_tokenizer(model.config.max_position_embeddings).save_pretrained(folder)
    data = (folder / "model.safetensors").read_bytes()
    card = {
        "name": name,
        "recipe": "engine/models/nano/pretrain.py",
        "seed": SEED,
        **recipe._asdict(),
        "loss": round(loss, 4),
        "loss_is": f"nats a token over {VALIDATION_STORIES} stories without control words, weights in bf16",
        "cpu_seconds": round(seconds, 1),
        "threads": THREADS,
        "versions": {"torch": torch.__version__.split("+")[0]},
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")


def _print_progress(step: int, steps: int, loss: float) -> None:
    if step % 50 == 0 or step == steps:
        print(f"step {step} of {steps}  loss {loss:.3f}", flush=True)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or list(RECIPES):
        print(f"{wanted}: validation loss {pretrain(wanted, _print_progress):.4f}")
