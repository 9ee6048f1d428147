"""make record: train the default cells with this engine and commit what came out, small enough for a repository."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from engine.catalog.defaults import default_spec
from engine.catalog.device import cuda_capability
from engine.catalog.models import MODELS, is_nano
from engine.catalog.tasks import TASKS
from engine.contracts import CELLS as METHODS_OF
from engine.contracts import RECIPE, Artifact, Ended, Event, RunError, RunSpec, event_to_json
from engine.recorded import table
from engine.recorded.runs import FOLDER
from engine.training import train
from engine.training.inspect import TOP_DIRECTIONS
from engine.training.machine import machine, today
from engine.training.observe import LIBRARIES
from engine.training.scenes import (
    head,
    landscape,
    lengths,
    mixture,
    pairs,
    playback,
    preference,
    prompt_path,
    ranks,
    rates,
    rehearsal,
    variants,
)
from engine.training.scenes.keep import is_kept

SMOL, NANO = "smollm2-135m-instruct", "nano-0.5m"
SHOWN: tuple[tuple[str, str, str, str], ...] = (
    *((SMOL, "pirate", method, "sft") for method in ("lora", "full", "qlora", "prompt", "prefix")),
    (SMOL, "sentiment", "head", "classify"),
    (SMOL, "instructions", "lora", "sft"),
    (SMOL, "brief", "lora", "dpo"),
    (NANO, "orders", "lora", "sft"),
    *((NANO, "stories", method, "sft") for method in ("lora", "full", "qlora")),
    *((f"{NANO}-control", "stories", method, "sft") for method in ("prompt", "prefix")),  # the plain twin was never taught to be steered
    (NANO, "story-mood", "head", "classify"),
    *((NANO, "endings", "lora", objective) for objective in ("dpo", "reward", "rlhf")),
)
"""Cells (model, task, method, objective) whose whole run pages show before the learner presses anything."""
SEEDS = (0, 1, 2)
RATE_FACTORS = {NANO: (0.1, 0.3, 1.0, 3.0, 10.0), SMOL: (0.3, 1.0, 3.0)}
SCENES = (
    ("playback", playback.record, NANO),
    ("landscape", landscape.record, NANO),
    *(("head", head.record, model) for model in (NANO, SMOL)),
    ("prompt-path", prompt_path.record, NANO),
    ("dpo", preference.record_dpo, NANO),
    ("rlhf", preference.record_rlhf, NANO),
    ("mixture", mixture.record, SMOL),
    *(("ranks", ranks.record, model) for model in (NANO, SMOL)),
    ("rates", rates.record, NANO),
    ("pairs", pairs.record, NANO),
    ("variants", variants.record, NANO),
    *(("lengths", lengths.record, model) for model in (f"{NANO}-control", NANO)),
    *(("rehearsal", rehearsal.record, model) for model in (NANO, SMOL)),
)
KEPT_LAYERS = 3
"""First, middle and last: every kind of matrix of these keeps its directions, the others their spectrum."""
KEPT_DIRECTIONS = 32


def main() -> None:
    for cell in SHOWN:
        spec = cell_spec(*cell)
        folder = FOLDER / "-".join(cell[:3] if spec.objective == "sft" else cell)
        if recorded_of(folder) == (spec.hash, RECIPE):
            print(f"{folder.name}: there already")
            continue
        print(f"{folder.name}: training", flush=True)
        with one_by_one(1) as fresh:
            fresh.submit(record, spec, folder).result()
    for name, make, model in SCENES:
        if not is_kept(f"{name}-{model}"):
            print(f"{name}-{model}", flush=True)
            make(model)
    for file, specs in ((table.FILE, table_specs()), (table.SWEEP, sweep_specs())):
        made = keep_current(file, specs)
        wanted = [spec for spec in specs if spec.hash not in made]
        for nano, at_once in ((True, os.cpu_count() or 1), (False, 1)):  # a nano run computes on one core, the others on all
            append_rows(file, [spec for spec in wanted if is_nano(spec.model) == nano], at_once)


def keep_current(file: Path, specs: list[RunSpec]) -> set[str]:
    """Take rows of an older recipe, and of settings that are not asked for any more, out of a file; hashes of those that stay."""
    current = {spec.hash for spec in specs}
    if not file.exists():
        return set()
    kept = [row for row in map(json.loads, file.read_text("utf-8").splitlines()) if row["recipe"] == RECIPE and spec_hash(row) in current]
    file.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in kept), "utf-8")
    return {spec_hash(row) for row in kept}


def spec_hash(row: dict[str, Any]) -> str:
    return RunSpec.from_dict(row["spec"]).hash


def one_by_one(at_once: int) -> ProcessPoolExecutor:
    """A fresh process for each run, so that its peak of memory is its own."""
    fresh = multiprocessing.get_context("spawn" if cuda_capability() else "forkserver")  # CUDA does not outlive a fork
    fresh.set_forkserver_preload(["engine.training"])
    return ProcessPoolExecutor(at_once, mp_context=fresh, max_tasks_per_child=1)


def append_rows(path: Path, specs: list[RunSpec], at_once: int) -> None:
    """Add each spec's result to a file as it comes.

    Raises:
        RunError: A run did not end as done; the rows before it are kept.
    """
    with one_by_one(at_once) as pool:
        for done in as_completed([pool.submit(table_row, spec.to_json()) for spec in specs]):
            row = done.result()
            row["machine"]["at_once"] = at_once  # runs beside each other slow each other down
            print({name: row["spec"][name] for name in ("model", "task", "method", "objective", "seed")}, flush=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, separators=(",", ":")) + "\n")


def cell_spec(model: str, task: str, method: str, objective: str, seed: int = 0) -> RunSpec:
    return default_spec(model, task, method, objective=objective, seed=seed)


def table_specs() -> list[RunSpec]:
    """Every cell of the nano ladder over the seeds, then SmolLM2's, seed by seed; what is shown first comes first."""
    cells = [
        (model, task, method, objective)
        for model in MODELS
        for task in MODELS[model].tasks
        for objective in TASKS[task].objectives
        for method in METHODS_OF[objective]
    ]
    cells.sort(key=lambda cell: (not is_nano(cell[0]), cell[0] != NANO, cell not in SHOWN))
    return [cell_spec(*cell, seed=seed) for nano in (True, False) for seed in SEEDS for cell in cells if is_nano(cell[0]) == nano]


def sweep_specs() -> list[RunSpec]:
    """Learning rates around each cell's own, one seed, the same budget for each: five for every cell of one nano model, three for
    those of SmolLM2 that are shown."""
    cells = [spec for spec in table_specs() if (spec.model, spec.seed) == (NANO, SEEDS[0])]
    cells += [cell_spec(*cell) for cell in SHOWN if cell[0] == SMOL]
    return [spec.with_(learning_rate=float(f"{factor * spec.learning_rate:.3g}")) for spec in cells for factor in RATE_FACTORS[spec.model]]


def table_row(spec_json: str) -> dict[str, Any]:
    """Run a spec and return its line of the table. Raises RunError when the run does not end as done."""
    spec = RunSpec.from_json(spec_json)
    with tempfile.TemporaryDirectory() as scratch:
        result = finished(list(train(spec, out=Path(scratch), keep_model=True))).result  # its bytes count, also those of a whole model
    return {"recipe": RECIPE, "day": today(), "machine": machine(result), "spec": json.loads(spec.to_json()), "result": rounded(result)}


def finished(events: list[Event]) -> Ended:
    """The last event of a run that is done. Raises RunError for any other."""
    ended = events[-1]
    if not isinstance(ended, Ended) or ended.status != "done" or ended.result is None:
        raise RunError(f"The run ended as {ended}", "Mend it before recording.")
    return ended


def recorded_of(folder: Path) -> tuple[str, int] | None:
    """Hash and recipe of what a folder records, so that an interrupted `make record` goes on where it stopped."""
    try:
        about = json.loads((folder / "run.json").read_text())
        return spec_hash(about), about["recipe"]
    except (OSError, KeyError):
        return None


def record(spec: RunSpec, folder: Path) -> None:
    """Run a spec and write the folder of its recording. Raises RunError when the run does not end as done."""
    with tempfile.TemporaryDirectory() as scratch:
        events = list(train(spec, out=Path(scratch)))
        result = finished(events).result
        folder.mkdir(parents=True, exist_ok=True)
        thin_delta(Path(scratch) / "delta", folder / "delta", MODELS[spec.model].config["num_hidden_layers"])
    lines = [event_to_json(event) for event in events if not isinstance(event, Artifact)]
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    versions = {name: version(name) for name in LIBRARIES}
    about = {"recipe": RECIPE, "spec": json.loads(spec.to_json()), "day": today(), "machine": machine(result), "versions": versions}
    (folder / "run.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")


def thin_delta(source: Path, target: Path, layers: int) -> None:
    """Copy a ΔW folder with every spectrum, and the directions of three layers in fp16."""
    target.mkdir(exist_ok=True)
    index = json.loads((source / "delta.json").read_text())
    kept_layers = {0, layers // 2, layers - 1} if layers > KEPT_LAYERS else set(range(layers))
    for row in index["matrices"]:
        row["spectrum"] = [float(f"{value:.4g}") for value in row["spectrum"][:TOP_DIRECTIONS]]
        for name in ("norm", "weight_norm", "stable_rank"):
            row[name] = float(f"{row[name]:.6g}")
        row["energy"] = {k: round(value, 5) for k, value in row["energy"].items()}
    (target / "delta.json").write_text(json.dumps(index, separators=(",", ":")) + "\n")
    kept = {row["name"] for row in index["matrices"] if row["layer"] in kept_layers}
    with np.load(source / "delta.npz") as arrays:
        thin = {key: thin_array(key, arrays[key]) for key in arrays.files if key.rpartition(".")[0] in kept}
    np.savez_compressed(target / "delta.npz", **thin)
    if (source / "soft_prompt.json").exists():
        shutil.copy(source / "soft_prompt.json", target)


def thin_array(key: str, array: np.ndarray) -> np.ndarray:
    """fp16, and for full fine-tuning only the strongest directions."""
    if key.endswith(".left"):
        return array[:, :KEPT_DIRECTIONS].astype(np.float16)
    if key.endswith(".right"):
        return array[:KEPT_DIRECTIONS].astype(np.float16)
    return array.astype(np.float16)


def rounded(result: dict[str, Any]) -> dict[str, Any]:
    """Six digits are more than two machines agree on."""
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in result.items()}


if __name__ == "__main__":
    sys.exit(main())
