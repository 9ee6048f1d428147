"""The memory sum of a model as the calculator knows it, drawn as one bar of terms."""

from __future__ import annotations

from functools import cache, lru_cache

from engine.planner.answer import Answer, cached_answer
from engine.planner.explain import explain
from engine.planner.memory import GIB
from engine.planner.options import Options
from lessons.panels.numbers import planned
from lessons.stage import stage
from lessons.stage.scene import Scene, plain_stage
from lessons.text import label, read
from viz.label import TruthLabel
from viz.memory_stack import describe_memory_stack, draw_memory_stack, get_memory_stack_info, memory_stack_tables

SEVEN_B = "meta-llama/Llama-2-7b-hf"
WAYS: dict[str, dict[str, object]] = {
    "fp32": {"weights": "fp32", "autocast": "none"},
    "mixed": {"weights": "bf16", "trainable_dtype": "fp32"},
    "bf16": {"weights": "bf16"},
}
"""Ways to train all of a model: everything in fp32, computing in 16 bits beside an fp32 copy, everything in bf16."""


@cache
def of_7b() -> dict[str, Answer]:
    """Llama-2-7B, fully fine-tuned in each way, one text of 512 tokens at a time."""
    return {name: planned(SEVEN_B, "full", **options) for name, options in WAYS.items()}


def memory_panel(answer: Answer, key: str) -> None:
    """One bar, with its words and its numbers as a table."""
    stage(memory_scene(answer.options), key=key)


@lru_cache(maxsize=16)
def memory_scene(options: Options) -> Scene:
    """Drawn once for each question."""
    answer = cached_answer(options)
    terms = {name: value / GIB for name, value in answer.estimate.terms_bytes.items()}
    formulas = {term.name: term.formula for term in explain(answer)}
    info = get_memory_stack_info(
        label("memory.title", model=answer.options.model.rpartition("/")[2]), terms, answer.reserve.reserved_interval_gib,
        answer.gpu.usable_gib, answer.gpu.name, TruthLabel("illustration"), formulas, answer.reserve.reserved_gib,
    )  # fmt: skip
    words, tables = describe_memory_stack(info), memory_stack_tables(info)
    return plain_stage(info.title, draw_memory_stack(info), words, tables, caption=read("gallery", "computed"), height_px=300)
