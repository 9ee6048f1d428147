"""The GPUs of the list, or a bare number of GiB. Rates are dense, never those for sparse matrices."""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.contracts import SpecError

_FILE = Path(__file__).with_name("gpus.json")
CONTEXT_GIB = 0.45
"""CUDA context and loaded kernels, outside of torch's allocator: 0.3 to 0.6 GiB (the list's own note)."""
WORKSPACE_BYTES = 8_519_680
"""What torch gives cuBLAS for scratch (aten/src/ATen/cuda/CublasHandlePool.cpp: 2 x 4,096 KiB + 8 x 16 KiB)."""
WIDE_WORKSPACE_BYTES = 64 * 1024**2
"""The same on Hopper and Blackwell: 32 MiB for cuBLAS (that file) and 32 MiB for cuBLASLt (CUDABlas.cpp)."""


class Gpu(NamedTuple):
    """One card. Memory in GiB, rates in TFLOP/s, bandwidth in GB/s, prices in US dollars per hour."""

    name: str
    memory_gib: float
    """As the driver reports it."""
    usable_gib: float
    """What torch sees, less the CUDA context: the room that its allocator can reserve."""
    tflops: float | None
    """Dense 16-bit rate with fp32 sums; None for a bare number of GiB."""
    bandwidth_gb_s: float | None
    link_gb_s: float | None
    """To other cards, one way."""
    price_low: float | None
    price_median: float | None
    price_high: float | None
    price_date: str
    price_source: str
    checked: bool
    """Two independent sources agree on the 16-bit rate."""
    note: str
    check: str = ""
    """What was compared, or why there is a doubt."""
    workspace_bytes: int = WORKSPACE_BYTES
    nominal_gb: float = 0.0
    """What the card is sold as; 0 for a bare number of GiB."""
    tflops_fp32: float | None = None
    """Rate of fp32 products as torch computes them unless it is told otherwise: without tf32."""
    has_bf16: bool = True
    host_gb_s: float | None = None
    """To the processor's memory, one way."""


@cache
def gpus() -> dict[str, Gpu]:
    """Name -> card, as in the list."""
    return {row["name"]: _gpu(row) for row in json.loads(_FILE.read_bytes())["gpus"]}


def _gpu(row: dict[str, Any]) -> Gpu:
    rates, price = row["dense_tflops"], row.get("price_usd_per_hour") or {}
    seen = row.get("usable_gib") or row["memory_gib"] - 0.4
    return Gpu(
        name=row["name"],
        memory_gib=row["memory_gib"],
        usable_gib=round(seen - CONTEXT_GIB, 3),
        tflops=rates.get("bf16") or rates.get("fp16") or rates.get("fp32"),
        bandwidth_gb_s=row.get("bandwidth_gb_s"),
        link_gb_s=(row.get("interconnect") or {}).get("gb_s"),
        price_low=price.get("low"),
        price_median=price.get("median"),
        price_high=price.get("high"),
        price_date=price.get("date", "").replace("..", " to "),
        price_source=price.get("source", ""),
        checked=bool(row.get("checked")),
        note=" ".join(row[key] for key in ("note", "memory_note") if row.get(key)),
        check=row["check"],
        workspace_bytes=WIDE_WORKSPACE_BYTES if row["architecture"] in ("Hopper", "Blackwell") else WORKSPACE_BYTES,
        nominal_gb=row["nominal_gb"],
        tflops_fp32=rates.get("fp32"),
        has_bf16=bool(rates.get("bf16")) or row["vendor"] == "Apple",  # whose rate is not published
        host_gb_s=_host_gb_s(row),
    )


_PCIE_GB_S = {"Volta": 15.75, "CDNA 3": 63.0, "Hopper": 63.0, "Blackwell": 63.0, "Gaudi 3": 63.0}
"""Sixteen lanes, one way, of cards whose listed link goes to other cards: PCIe 3, 4 (all others) or 5."""


def _host_gb_s(row: dict[str, Any]) -> float | None:
    link = row.get("interconnect") or {}
    if row["vendor"] == "Apple":
        return row.get("bandwidth_gb_s")  # one memory for both
    return link.get("gb_s") if "PCIe" in (link.get("kind") or "") else _PCIE_GB_S.get(row["architecture"], 31.5)


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for row in json.loads(_FILE.read_bytes())["gpus"]:
        for name in (row["name"], *row["aliases"]):
            found.setdefault(_plain(name), row["name"])
    return found


def _plain(name: str) -> str:
    return re.sub(r"nvidia|geforce|amd|[^a-z0-9]", "", name.lower())


@cache
def find_gpu(name: str) -> Gpu:
    """A card by name or alias, or a made-up one with that many GiB.

    Raises:
        SpecError: not in the list; the sentence offers the nearest names.
    """
    try:
        size = float(str(name).strip().lower().removesuffix("gib").strip())
    except ValueError:
        size = 0.0
    if size:
        if not 0.5 <= size <= 100_000:
            raise SpecError(f"gpu={name!r:.40} GiB must be 0.5 to 100000; give the memory of one card")
        return Gpu(f"{size:g} GiB", size, round(size - CONTEXT_GIB, 3), None, None, None, None, None, None, "", "", False, "own memory")
    known = _names().get(_plain(name))
    if known:
        return gpus()[known]
    short = {_plain(n): n for n in gpus()}
    near = [short[key] for key in difflib.get_close_matches(_plain(name), short, n=3, cutoff=0.4)]
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise SpecError(f"gpu={name[:40]!r} is not in the list; {hint}give a listed name, or the card's memory in GiB")
