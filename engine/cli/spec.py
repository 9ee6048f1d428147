"""python -m engine spec: print a spec with every default filled in."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.catalog.check import check
from engine.catalog.defaults import default_spec
from engine.catalog.models import DEFAULT_MODEL
from engine.contracts import METHODS, OBJECTIVES


def spec(
    method: Annotated[str, typer.Option(help=f"Adaptation: {', '.join(METHODS)}.")] = "lora",
    model: Annotated[str, typer.Option(help="Name from `models`, or a hub id.")] = DEFAULT_MODEL,
    task: Annotated[str | None, typer.Option(help="Name from `tasks`; the model's first task if left out.")] = None,
    objective: Annotated[str | None, typer.Option(help=f"{', '.join(OBJECTIVES)}; what the task is made for if left out.")] = None,
    rank: Annotated[int | None, typer.Option(help="LoRA: directions, 1 or more.")] = None,
    alpha: Annotated[float | None, typer.Option(help="LoRA: ΔW is scaled by alpha / rank.")] = None,
    targets: Annotated[str | None, typer.Option(help="LoRA: q,v / qkvo / all-linear / module names.")] = None,
    dropout: Annotated[float | None, typer.Option(help="LoRA: 0 to below 1.")] = None,
    scaling: Annotated[str | None, typer.Option(help="LoRA: standard or rslora.")] = None,
    init: Annotated[str | None, typer.Option(help="LoRA: default or pissa.")] = None,
    dora: Annotated[bool | None, typer.Option(help="LoRA: learn magnitudes too.")] = None,
    quant: Annotated[str | None, typer.Option(help="QLoRA: nf4 or fp4.")] = None,
    block_size: Annotated[int | None, typer.Option(help="QLoRA: weights that share one scale.")] = None,
    double_quant: Annotated[bool | None, typer.Option(help="QLoRA: scales in 8 bits.")] = None,
    virtual_tokens: Annotated[int | None, typer.Option(help="Prompt and prefix tuning: learned positions.")] = None,
    token_init: Annotated[str | None, typer.Option(help="Prompt and prefix tuning: text or random.")] = None,
    reparametrise: Annotated[bool | None, typer.Option(help="Prefix tuning: train through a small network.")] = None,
    pooling: Annotated[str | None, typer.Option(help="Classify: last or mean.")] = None,
    pairs: Annotated[str | None, typer.Option(help="DPO, reward, RLHF: rejected answers, own or made-up.")] = None,
    beta: Annotated[float | None, typer.Option(help="DPO: strength of the leash.")] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="DPO: 0 to below 0.5.")] = None,
    preference_loss: Annotated[str | None, typer.Option(help="dpo, ipo or simpo.")] = None,
    reference: Annotated[str | None, typer.Option(help="DPO: base, run:ID or none.")] = None,
    reward_model: Annotated[str | None, typer.Option(help="RLHF: pairs, or run:ID of a run of objective reward.")] = None,
    kl_weight: Annotated[float | None, typer.Option(help="RLHF: reward that one nat of KL costs.")] = None,
    samples: Annotated[int | None, typer.Option(help="RLHF: answers for each prompt of a step.")] = None,
    task_types: Annotated[int | None, typer.Option(help="Instruction mixture: types of task to draw from.")] = None,
    rehearsal: Annotated[float | None, typer.Option(help="SFT: share of the rows that are old data, 0 to below 1.")] = None,
    fault: Annotated[str | None, typer.Option(help="A mistake on purpose, for the clinic.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adamw, adamw8bit or paged-adamw8bit.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--lr", help="Peak learning rate.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps.")] = None,
    micro_batch: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    examples: Annotated[int | None, typer.Option(help="Training examples.")] = None,
    eval_every: Annotated[int | None, typer.Option(help="Steps between two looks; 0 for start and end only.")] = None,
    seed: Annotated[int | None, typer.Option(help="0 or more.")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
) -> None:
    """Print a spec as JSON, with every default filled in."""
    chosen = dict(locals())
    made = default_spec(chosen.pop("model"), chosen.pop("task"), chosen.pop("method"), **chosen)
    check(made)
    print(made.to_json(indent=2))
