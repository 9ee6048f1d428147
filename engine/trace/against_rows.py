"""Published rows by id, listed before they were traced, against traces of the same settings: `python -m engine.trace.against_rows [--write]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.planner.answer import arch_of
from engine.planner.memory import GIB
from engine.planner.rows import rows
from engine.trace.step import trace

IDS = (
    "fms-10-mistral-7b-v0.1-full-none-bs4-g1",
    "fms-12-mistral-7b-v0.1-full-none-bs8-g1",
    "fms-34-mistral-7b-v0.1-lora-none-bs4-g1",
    "fms-36-mistral-7b-v0.1-lora-none-bs8-g1",
    "fms-78-mistral-7b-v0.1-qlora-accelerated-peft-bnb-bs4-g1",
    "fms-80-mistral-7b-v0.1-qlora-accelerated-peft-bnb-bs8-g1",
    "fms-granite-2-powerlm-3b-full-none-bs4-g1",
)
FILE = Path(__file__).with_name("against_rows.json")


def compare() -> list[dict[str, Any]]:
    """Trace each listed row; errors in percent of the measurement."""
    out = []
    for row in rows():
        if row.id in IDS:
            found = trace(row.options, arch_of(row.options)).peak_bytes / GIB
            out.append(
                {
                    "id": row.id,
                    "measured_gib": row.measured_gib,
                    "traced_gib": round(found, 3),
                    "error_percent": round(100 * (found / row.measured_gib - 1), 2),
                }
            )
    return out


def main(argv: Sequence[str]) -> int:
    found = compare()
    if "--write" in argv:
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    for line in found:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
