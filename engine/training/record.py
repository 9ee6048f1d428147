"""make record: train the default cells with this engine and commit what came out, small enough for a repository."""

from __future__ import annotations

import datetime
import json
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from engine.catalog.defaults import default_spec
from engine.catalog.models import MODELS
from engine.contracts import Artifact, Ended, RunError, RunSpec, event_to_json
from engine.recorded.runs import FOLDER
from engine.training import train
from engine.training.inspect import TOP_DIRECTIONS
from engine.training.observe import LIBRARIES

CELLS = [(model, method) for model in ("smollm2-135m-instruct", "nano-0.5m") for method in ("lora", "full")]
KEPT_LAYERS = 3
"""First, middle and last: every kind of matrix of these keeps its directions, the others their spectrum."""
KEPT_DIRECTIONS = 32


def main() -> None:
    for model, method in CELLS:
        spec = default_spec(model, method=method)
        name = f"{spec.model}-{spec.task}-{spec.method}"
        if recorded_hash(FOLDER / name) == spec.hash:
            print(f"{name}: there already")
            continue
        print(f"{name}: training", flush=True)
        record(spec, FOLDER / name)


def recorded_hash(folder: Path) -> str | None:
    """Hash of the spec that a folder records, so that an interrupted `make record` goes on where it stopped."""
    try:
        return RunSpec.from_dict(json.loads((folder / "run.json").read_text())["spec"]).hash
    except OSError:
        return None


def record(spec: RunSpec, folder: Path) -> None:
    """Run a spec and write the folder of its recording. Raises RunError when the run does not end as done."""
    with tempfile.TemporaryDirectory() as scratch:
        events = list(train(spec, out=Path(scratch)))
        ended = events[-1]
        if not isinstance(ended, Ended) or ended.status != "done":
            raise RunError(f"{spec.model} {spec.method} ended as {ended}", "Mend it before recording.")
        folder.mkdir(parents=True, exist_ok=True)
        thin_delta(Path(scratch) / "delta", folder / "delta", MODELS[spec.model].config["num_hidden_layers"])
    lines = [event_to_json(event) for event in events if not isinstance(event, Artifact)]
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    machine = {"processor": processor(), "cores": ended.result["threads"], "device": ended.result["device"], "dtype": ended.result["dtype"]}
    versions = {name: version(name) for name in LIBRARIES}
    about = {"spec": json.loads(spec.to_json()), "day": datetime.date.today().isoformat(), "machine": machine, "versions": versions}
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


def thin_array(key: str, array: np.ndarray) -> np.ndarray:
    """fp16, and for full fine-tuning only the strongest directions."""
    if key.endswith(".left"):
        return array[:, :KEPT_DIRECTIONS].astype(np.float16)
    if key.endswith(".right"):
        return array[:KEPT_DIRECTIONS].astype(np.float16)
    return array.astype(np.float16)


def processor() -> str:
    """Model name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
