"""`python -m engine trace`: the calculator's question, answered by tracing the real code without weights or a GPU."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from engine.contracts import SpecError
from engine.planner.answer import arch_of
from engine.planner.cli import answer_line, read_arguments
from engine.planner.memory import GIB
from engine.planner.options import read_options


def main(argv: Sequence[str]) -> int:
    """Run the command. 0: traced; 2: the question was refused."""
    try:
        values, flags = read_arguments(list(argv), "python -m engine trace")
        if flags.stdin_jsonl:
            return _many()
        found = trace_json(values)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found) if flags.json else _table(found))
    return 0


def trace_json(values: dict[str, Any], report: Callable[[str], None] = lambda phase: None) -> dict[str, Any]:
    """Trace one question given as plain values. Raises SpecError where it cannot be traced."""
    options = read_options(values)
    arch = arch_of(options)
    from engine.trace.step import trace  # torch comes in here, after the question has been checked

    report("starting")
    found = trace(options, arch, report)
    return {
        "peak_allocated_gib": round(found.peak_bytes / GIB, 6),
        "terms_gib": {name: round(size / GIB, 6) for name, size in found.terms_bytes.items()},
        "phase": found.phase,
        "phase_peaks_gib": {name: round(size / GIB, 6) for name, size in found.phase_peaks_bytes.items()},
        "total_params": found.total_params,
        "trainable_params": found.trainable_params,
        "seconds": round(found.seconds, 3),
    }


def _many() -> int:
    for line in sys.stdin:
        print(json.dumps(_line(line)), flush=True)
    return 0


def _line(line: str) -> dict[str, Any]:
    checked = answer_line(line)
    if "error" in checked:
        return checked
    try:
        return trace_json(json.loads(line))
    except SpecError as error:
        return {"error": str(error)}


def _table(found: dict[str, Any]) -> str:
    lines = [f"  {name.replace('_', ' '):<18}{value:>10.3f} GiB" for name, value in found["terms_gib"].items() if value >= 0.0005]
    lines += [
        f"  {'peak allocated':<18}{found['peak_allocated_gib']:>10.3f} GiB   in the {found['phase']} phase, traced in {found['seconds']:.1f} s"
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
