"""What a recording says of the day and the machine that made it."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path
from typing import Any


def today() -> str:
    return datetime.date.today().isoformat()


def machine(result: dict[str, Any]) -> dict[str, Any]:
    """What computed: the processor's name, and what the run resolved to."""
    return {"processor": processor(), "cores": result["threads"], "device": result["device"], "dtype": result["dtype"]}


def processor() -> str:
    """Model name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
