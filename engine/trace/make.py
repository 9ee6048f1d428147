"""`python -m engine.trace.make COUNT`: trace random questions of all families and keep them beside the planner.

Each line of engine/planner/traces.jsonl holds the seed and family that make the question, the question, and what was found.
Lines that are there are not made again, so the command can be stopped and started.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from engine.planner.families import read_config
from engine.planner.options import read_options
from engine.planner.tracefile import FILE, traces
from engine.trace.sample import FAMILIES, sample
from engine.trace.step import trace


def line(seed: int, family: str) -> dict[str, Any]:
    """Trace one random question."""
    question = sample(seed, family)
    found = trace(read_options(question), read_config(question["config"]))
    return {
        "seed": seed,
        "family": family,
        "question": question,
        "peak_bytes": found.peak_bytes,
        "phase": found.phase,
        "phase_peaks_bytes": found.phase_peaks_bytes,
        "total_params": found.total_params,
        "trainable_params": found.trainable_params,
    }


def main(argv: Sequence[str]) -> int:
    """Add traces until there are COUNT (default 1,000)."""
    wanted = int(argv[0]) if argv else 1000
    have = {(t["seed"], t["family"]) for t in traces()}
    seed = 0
    while len(have) < wanted:
        for family in FAMILIES:
            if (seed, family) not in have and len(have) < wanted:
                with FILE.open("a") as out:
                    out.write(json.dumps(line(seed, family)) + "\n")
                have.add((seed, family))
                print(f"{len(have)} of {wanted}", flush=True)
        seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
