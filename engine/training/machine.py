"""What a recording says of the day and the machine that made it."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def today() -> str:
    return datetime.date.today().isoformat()


def machine(result: dict[str, Any]) -> dict[str, Any]:
    """What computed: the processor's name, and the GPU's where it did the work; what the run resolved to; the version of torch."""
    found = {"processor": processor(), "cores": result["threads"], "device": result["device"], "dtype": result["dtype"]}
    gpu = {"gpu": torch.cuda.get_device_name()} if result["device"] == "cuda" else {}
    return {**found, **gpu, "torch": version("torch")}


def processor() -> str:
    """Model name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
