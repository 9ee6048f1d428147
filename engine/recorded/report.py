"""The recorded table as Markdown: python -m engine.recorded.report writes docs/results.md.

Means over the seeds, with the least and the most where they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.catalog.models import DEFAULT_MODEL, MODELS, is_nano
from engine.catalog.tasks import TASKS
from engine.contracts import CELLS
from engine.recorded.delta import read_delta
from engine.recorded.runs import recordings
from engine.recorded.scenes import find_scene
from engine.recorded.table import SWEEP, ResultRow, of_cell, rows, spread

FILE = Path(__file__).resolve().parents[2] / "docs" / "results.md"
GIB = 2**30
RANKS = (1, 4, 8, 16)


def report() -> str:
    """The whole file."""
    parts = [
        "# Results of every cell",
        "",
        "Written by `python -m engine.recorded.report` from `engine/recorded/data/table.jsonl` and `sweep.jsonl`, which `make record` makes. Each cell at its",
        "defaults, seeds 0, 1, 2: mean (least to most). What it means, and on which machines it was made, stands in [measurements.md](measurements.md).",
        "",
        f"## {MODELS[DEFAULT_MODEL].name}",
        "",
        *_cells(DEFAULT_MODEL),
        "",
        "## The nano ladder, score after",
    ]
    for task, card in TASKS.items():
        if card.models == "nano":
            for objective in card.objectives:
                parts += ["", *_ladder(task, objective)]
    for model, rates in (("nano-0.5m", ("a tenth", "0.3", "own rate", "3", "ten times")), (DEFAULT_MODEL, ("0.3", "own rate", "3"))):
        parts += ["", f"## Learning rates around each cell's own, {MODELS[model].name}, seed 0", "", *_sweep(model, rates)]
    parts += ["", "## How much of ΔW's energy lies in its leading directions", "", *_energy()]
    parts += ["", "## The rank test: full fine-tuning's ΔW cut to rank r, beside LoRA trained at r", "", *_ranks()]
    return "\n".join([*parts, ""])


def _cells(model: str) -> list[str]:
    """A row a cell, with what it forgot and what it took."""
    lines = ["| task | method, objective | score | held-out loss after | forgetting, nats | peak GiB |", "|---|---|---|---|---|---|"]
    for task in MODELS[model].tasks:
        for objective in TASKS[task].objectives:
            for method in CELLS[objective]:
                found = of_cell(model, task, method, objective)
                if found:
                    score, forgot = (
                        f"{_mean(found, f'{name}_before', 2)} -> {_text(found, f'{name}_after', 2)}" for name in ("score", "forgetting")
                    )
                    peak = f"{max(row.result['peak_memory_bytes'] for row in found) / GIB:.2f} ({found[0].machine['device']})"
                    lines.append(f"| {task} | {method}, {objective} | {score} | {_text(found, 'loss_after', 3)} | {forgot} | {peak} |")
    return lines


def _ladder(task: str, objective: str) -> list[str]:
    """A row a model, a column a method."""
    methods = CELLS[objective]
    lines = [f"| {task}, {objective} | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for model in filter(is_nano, MODELS):
        scores = [_text(found, "score_after", 2) if (found := of_cell(model, task, method, objective)) else "" for method in methods]
        lines.append(f"| {model} | {' | '.join(scores)} |")
    return lines


def _sweep(model: str, rates: Sequence[str]) -> list[str]:
    """A row a cell: the score at each rate, the cell's own rate in bold."""
    lines = [f"| task, objective | method | {' | '.join(rates)} |", "|---" * (2 + len(rates)) + "|"]
    by_cell: dict[tuple[str, str, str], list[ResultRow]] = {}
    for row in (row for row in rows(SWEEP) if row.spec.model == model):
        by_cell.setdefault((row.spec.task, row.spec.objective, row.spec.method), []).append(row)
    for (task, objective, method), found in sorted(by_cell.items()):
        ordered = sorted(found, key=lambda row: row.spec.learning_rate)
        told = [f"{row.result['score_after']:.2f}" for row in ordered]
        told[len(told) // 2] = f"**{told[len(told) // 2]}** at {ordered[len(ordered) // 2].spec.learning_rate:g}"
        lines.append(f"| {task}, {objective} | {method} | {' | '.join(told)} |")
    return lines


def _energy() -> list[str]:
    """A row a recorded run whose W moves: share of the squared norm of ΔW, all matrices together."""
    lines = [f"| model, task | method, objective | {' | '.join(f'rank {k}' for k in RANKS)} |", "|---" * (2 + len(RANKS)) + "|"]
    for run in recordings():
        delta = read_delta(run.folder / "delta")
        if delta is not None and run.spec.method in ("full", "lora", "qlora"):
            matrices = list(delta.matrices.values())
            whole = sum(row["norm"] ** 2 for row in matrices)
            held = [sum(value**2 for row in matrices for value in row["spectrum"][:k]) / whole for k in RANKS]
            shares = " | ".join(f"{100 * share:.0f}%" for share in held)
            lines.append(f"| {run.spec.model}, {run.spec.task} | {run.spec.method}, {run.spec.objective} | {shares} |")
    return lines


def _ranks() -> list[str]:
    """A row a model and a line of scores; rank 0 is the base, the last column the uncut run."""
    lines: list[str] = []
    for model in ("nano-0.5m", DEFAULT_MODEL):
        if (found := find_scene(f"ranks-{model}")) is not None:
            ranks, cut, trained, whole = (found.arrays[name] for name in ("ranks", "cut", "trained", "whole"))
            head = f"| {model}, {found.about['specs'][0]['task']} | {' | '.join(f'r = {r}' for r in ranks.tolist())} | uncut |"
            lines += ["", head, "|---" * (len(ranks) + 2) + "|"]
            lines.append(f"| cut to r | {' | '.join(f'{score:.2f}' for score in cut[:, 0])} | {whole[0]:.2f} |")
            lines.append(f"| LoRA trained at r |  | {' | '.join(f'{score:.2f}' for score in trained[:, 0])} |  |")
    return lines[1:]


def _mean(found: Sequence[ResultRow], name: str, digits: int) -> str:
    over = spread(found, name)
    return f"{over.mean:.{digits}f}" if over else "–"


def _text(found: Sequence[ResultRow], name: str, digits: int) -> str:
    over = spread(found, name)
    if over is None:
        return "–"
    mean, least, most = (f"{value:.{digits}f}" for value in (over.mean, over.least, over.most))
    return mean if least == most else f"{mean} ({least} to {most})"


if __name__ == "__main__":
    FILE.write_text(report(), "utf-8")
