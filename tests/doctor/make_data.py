"""Make the event logs that the doctor is tested on: python -m tests.doctor.make_data [name ...]

Every case of the clinic and some healthy runs, each with three seeds on which thresholds were set (0 to 2) and three on which they
were only tried (3 to 5); on SmolLM2 fewer. Logs that are there with the same spec are left alone, so it goes on where it stopped.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from engine.catalog.clinic import CASES, LEASHED, NANO, PAIRS, SMOLLM2
from engine.catalog.defaults import default_spec
from engine.contracts import Artifact, Event, Phase, RunSpec, Started, event_from_json, event_to_json

FOLDER = Path(__file__).parent / "data"
SEEDS = range(6)
UNSEEN_SEEDS = range(3, 6)
SMOLLM2_SEEDS = range(3)
ANSWERS = 12
"""Answers of each look that are kept."""
HEALTHY: dict[str, dict[str, Any]] = {
    "lora": NANO,
    "full": {**NANO, "method": "full"},
    "q-v": {**NANO, "targets": "q,v"},
    "rank-1": {**NANO, "rank": 1},
    "rslora": {**NANO, "scaling": "rslora"},
    "dora": {**NANO, "dora": True},
    "pissa": {**NANO, "init": "pissa"},
    "gentle": {**NANO, "learning_rate": 4e-3},
    "few-epochs": {**NANO, "examples": 64, "steps": 24, "eval_every": 8},
    "prompt": {**NANO, "method": "prompt"},
    "prefix": {**NANO, "method": "prefix"},
    "qlora": {**NANO, "method": "qlora"},
    "dpo": PAIRS,
    "dpo-simpo": {**PAIRS, "preference_loss": "simpo", "beta": 2.0},
    "reward": {**PAIRS, "objective": "reward"},
    "rlhf": {**PAIRS, "objective": "rlhf"},
    "leashed": LEASHED,
    "small": {"model": "nano-0.1m", "task": "stories"},
    "large": {"model": "nano-2m", "task": "stories"},
}
SECOND_TASK = {**SMOLLM2, "task": "sentiment-json", "steps": 8, "eval_every": 0}
"""No threshold was set on it."""
ELSEWHERE: dict[str, dict[str, Any]] = {
    "lr-too-low": {"learning_rate": 1e-5},
    "alpha-damped": {"alpha": 0.002},
    "wrong-template": {"fault": "wrong-template"},
    "prompt-loss": {"fault": "prompt-loss"},
    "adapter-off": {"fault": "adapter-off"},
    "compared-with-itself": {"fault": "compared-with-itself"},
    "forgot-much": {"examples": 4, "steps": 24},  # four examples are enough for this task: the held-out loss falls to 0.001
    "diverged": {"learning_rate": 1e-1},
    "few-targets": {"targets": "k_proj", "rank": 1},
}
"""The diagnosis that a run of the second task should get -> what is wrong with it."""


def specs() -> dict[str, RunSpec]:
    """Name of every log -> its spec."""
    found = {}
    for name, case in CASES.items():
        for seed in seeds(case.start):
            found[f"{name}-{seed}"] = case.broken(seed=seed)
    for name, chosen in HEALTHY.items():
        for seed in SEEDS if name in ("lora", "full") else UNSEEN_SEEDS:
            found[f"healthy-{name}-{seed}"] = default_spec(**chosen, seed=seed)
    for name, changes in ELSEWHERE.items():
        found[f"elsewhere-{name}-0"] = default_spec(**{**SECOND_TASK, **changes}, seed=0)
    for task in ("pirate", "sentiment-json", "instructions"):
        found[f"healthy-{task}-1"] = default_spec(SMOLLM2["model"], task, seed=1)
    return found


def seeds(start: dict[str, Any]) -> range:
    """A run of SmolLM2 takes a minute, one of a nano model seconds."""
    return SMOLLM2_SEEDS if start["model"] == SMOLLM2["model"] else SEEDS


def read(name: str) -> list[Event]:
    """The events of a committed log."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [event_from_json(line) for line in lines]


def write(name: str, events: list[Event]) -> None:
    """Keep what a diagnosis can read, with six digits and a few of the answers."""
    lines = []
    for event in events:
        if isinstance(event, (Phase, Artifact)):
            continue
        data = json.loads(event_to_json(event), parse_float=lambda digits: float(f"{float(digits):.6g}"))
        if "answers" in data:
            data["answers"] = data["answers"][:ANSWERS]
        lines.append(json.dumps(data, ensure_ascii=False))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def main(wanted: list[str]) -> None:
    from engine.training import train  # imports torch

    for name, spec in sorted(specs().items(), key=lambda item: item[1].seed):
        if wanted and not any(name.startswith(start) for start in wanted):
            continue
        if (FOLDER / f"{name}.jsonl.gz").exists():
            started = next(event for event in read(name) if isinstance(event, Started))
            if started.spec_hash == spec.hash:
                continue
        print(name, flush=True)
        write(name, list(train(spec)))


if __name__ == "__main__":
    main(sys.argv[1:])
