"""Scenes whose numbers the calculator computes from a model's configuration: counting and memory.

stage(staircase_scene("meta-llama/Llama-2-7b-hf"), key="stairs")
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from engine.planner.answer import Answer, arch_of, cached_answer
from engine.planner.catalogue import find, full_id
from engine.planner.memory import GIB
from engine.planner.options import Options, read_options
from engine.planner.standing import total_count, trainable_count
from engine.planner.timeline import timeline
from lessons.stage.scene import Scene, plain_stage
from lessons.text import fill, label, read
from viz import counting, memory_terrain, memory_towers, staircase
from viz.label import TruthLabel

COMPUTED = TruthLabel("illustration")
MODEL = "meta-llama/Llama-2-7b-hf"
STAIRS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("prompt_10", "prompt", {"method": "prompt", "virtual_tokens": 10}),
    ("prompt_100", "prompt", {"method": "prompt", "virtual_tokens": 100}),
    ("prefix_20", "prefix", {"method": "prefix", "virtual_tokens": 20}),
    ("head", "head", {"method": "head", "objective": "classify"}),
    ("lora_8", "lora", {"method": "lora", "rank": 8, "targets": "q,v"}),
    ("lora_16", "lora", {"method": "lora", "rank": 16, "targets": "all-linear"}),
    ("lora_64", "lora", {"method": "lora", "rank": 64, "targets": "all-linear"}),
    ("full", "full", {"method": "full"}),
)
"""Name of its label, part of the picture, options."""
TOWERS: dict[str, dict[str, object]] = {
    "full": {},
    "lora": {"targets": "all-linear"},
    "qlora": {"targets": "all-linear"},
    "prompt": {},
    "prefix": {},
}
"""Options of each method."""


@lru_cache(maxsize=32)
def counting_scene(model: str = MODEL, kind: str = "q", rank: int = 16) -> Scene:
    """W, ΔW, B and A of one of the model's matrices to scale; `kind` is its role: q, k, v, o, gate, up or down. Raises SpecError, ValueError."""
    module = next((m for stack in find(model).stacks for m in stack.linears if m.role == kind), None)
    if module is None:
        raise ValueError(f"kind={kind!r} is no matrix of {model}")
    info = counting.get_counting_info(_short(model), module.path.split(".")[-1], out=module.out, in_=module.inp, rank=rank, label=COMPUTED)
    title, caption = label("scenes.counting", model=info.model, matrix=info.matrix), read("gallery", "counting")
    return plain_stage(
        title, counting.draw_counting(info), counting.describe_counting(info), counting.counting_tables(info), caption=caption
    )


@lru_cache(maxsize=32)
def staircase_scene(model: str = MODEL) -> Scene:
    """All methods' trained shares of one model. Raises SpecError for a model that is not in the catalogue."""
    methods = [(label(f"scenes.stairs.{name}"), part, _trainable(model, changes)) for name, part, changes in STAIRS]
    total = total_count(read_options({"model": model, "method": "full"}), find(model))
    info = staircase.get_staircase_info(_short(model), total, methods, COMPUTED)
    words, tables = staircase.describe_staircase(info), staircase.staircase_tables(info)
    title = label("scenes.staircase", model=info.model)
    return plain_stage(title, staircase.draw_staircase(info), words, tables, caption=read("gallery", "computed"))


@lru_cache(maxsize=32)
def terrain_scene(options: Options) -> Scene:
    """Memory through one step; the options are the calculator's. Raises SpecError."""
    found, asked = timeline(options, arch_of(options)), cached_answer(options)
    method = label(f"scenes.methods.{options.method}")
    title = label("scenes.step", model=_short(options.model), method=method, batch=options.micro_batch, length=options.seq_len)
    info = memory_terrain.get_memory_terrain_info(
        title, *found, usable_gib=asked.gpu.usable_gib, card=asked.gpu.name, label=COMPUTED
    )  # fmt: skip
    words, tables = memory_terrain.describe_memory_terrain(info), memory_terrain.memory_terrain_tables(info)
    name, caption = label("scenes.terrain", title=title), read("gallery", "computed")
    return plain_stage(name, memory_terrain.draw_memory_terrain(info), words, tables, caption=caption)


@lru_cache(maxsize=32)
def towers_scene(model: str = MODEL, gpu: str = "RTX 4090", micro_batch: int = 1, seq_len: int = 512) -> Scene:
    """Each method's peak against one card. Raises SpecError."""
    base = {"model": model, "gpu": gpu, "micro_batch": micro_batch, "seq_len": seq_len}
    return towers_of([(method, cached_answer(read_options({**base, "method": method, **more}))) for method, more in TOWERS.items()])


def towers_of(answers: Sequence[tuple[str, Answer]]) -> Scene:
    """The peaks of these methods and answers, all of one model, batch and card, as towers."""
    asked, card = answers[0][1].options, answers[0][1].gpu
    terms = [
        (label(f"scenes.methods.{method}"), {term: value / GIB for term, value in found.estimate.terms_bytes.items()})
        for method, found in answers
    ]
    info = memory_towers.get_memory_towers_info(_short(asked.model), terms, usable_gib=card.usable_gib, card=card.name, label=COMPUTED)
    words, tables = memory_towers.describe_memory_towers(info), memory_towers.memory_towers_tables(info)
    caption = fill(read("gallery", "towers"), batch=asked.micro_batch, length=f"{asked.seq_len:,}")
    title = label("scenes.towers", model=info.model)
    return plain_stage(title, memory_towers.draw_memory_towers(info), words, tables, caption=caption)


def _trainable(model: str, changes: dict[str, object]) -> int:
    options = read_options({"model": model, **changes})
    return trainable_count(options, arch_of(options))


def _short(model: str) -> str:
    """A pasted config has no name."""
    return full_id(model).split("/")[-1] if model else label("scenes.config")
