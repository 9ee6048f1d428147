"""Questions asked backwards: the largest batch and length, the largest model, the cheapest card."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.contracts import SpecError
from engine.planner.allocator import length_share, reserve_all
from engine.planner.answer import Answer, answer, arch_of, longest, verdict
from engine.planner.arch import Arch
from engine.planner.catalogue import find, model_ids
from engine.planner.clock import computes_in
from engine.planner.hardware import find_gpu, gpus
from engine.planner.memory import GRADIENTS, LOGITS, gathered_bytes, monomials, played, spare_bytes
from engine.planner.options import Options
from engine.planner.ways import with_gpu


class FitMap(NamedTuple):
    """Reserved memory for batches x lengths, GiB, and the card's room."""

    batches: tuple[int, ...]
    lengths: tuple[int, ...]
    reserved_gib: NDArray[np.float64]
    low_gib: NDArray[np.float64]
    high_gib: NDArray[np.float64]
    usable_gib: float


def fit_map(options: Options, batches: tuple[int, ...], lengths: tuple[int, ...]) -> FitMap:
    """All batches and lengths at once, each cell what the answer to that question says."""
    arch, gpu = arch_of(options), find_gpu(options.gpu)
    peaks = phase_maps(options, arch, np.array(batches, float), np.array(lengths, float))
    room = reserve_all(options, peaks, gpu.usable_gib, (np.maximum, np.minimum))
    return FitMap(batches, lengths, room.reserved_gib, *room.reserved_interval_gib, gpu.usable_gib)


def phase_maps(options: Options, arch: Arch, batches: NDArray[np.float64], lengths: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What `peaks_of` gives, for every batch (rows) and length (columns) at once."""
    shape = (len(batches), len(lengths))
    out = {name: np.zeros(shape) for name in ("forward", "backward", "step", "loss", "copy", "idle", "moving")}
    for chosen in (batches == 1, batches != 1):  # a single row's loss takes another way
        if not chosen.any():
            continue
        asked = replace(options, micro_batch=int(batches[chosen][0]))
        step = played(asked, arch)
        standing = step.held.always_bytes
        basis = np.array([each.ravel() for each in np.broadcast_arrays(*monomials(asked, batches[chosen, None], lengths[None, :]))])
        by_tag = np.array(step.coefficients) @ basis  # (moments, tags, questions)
        totals = by_tag.sum(1)
        moving = totals - by_tag[:, GRADIENTS] - by_tag[:, LOGITS] + np.array(gathered_bytes(step))[:, None]
        for name, spare in zip(("copy", "idle"), spare_bytes(asked, arch, tuple(basis)), strict=True):
            out[name][chosen] = spare.reshape(-1, len(lengths))
        out["loss"][chosen] = by_tag[:, LOGITS].max(0).reshape(-1, len(lengths))
        out["moving"][chosen] = moving.max(0).reshape(-1, len(lengths))
        for name in ("forward", "backward", "step"):
            rows = [i for i, phase in enumerate(step.phases) if phase == name]
            top = totals[rows].max(0).reshape(-1, len(lengths)) if rows else 0.0
            out[name][chosen] = step.beside_bytes[name] + top
    return out | {"share": length_share(options, lengths[None, :], np.minimum), "standing": standing}


def largest_batch(options: Options) -> int:
    """The largest micro-batch that fits at the question's length; 0 where not even one does."""
    return _largest(options, "micro_batch", 4096)


def largest_length(options: Options) -> int:
    """The longest sequence that fits at the question's batch, within the model's positions; 0 where none does."""
    return _largest(options, "seq_len", longest(options, arch_of(options)))


def _largest(options: Options, name: str, top: int) -> int:
    def fits(value: int) -> bool:
        asked = replace(options, micro_batch=value) if name == "micro_batch" else replace(options, seq_len=value)
        return answer(asked).verdict == "fits"

    if not fits(1):
        return 0
    low, high = 1, 1
    while high < top and fits(min(high * 2, top)):
        low = high = min(high * 2, top)
    high = min(high * 2, top)
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return high if fits(high) else low


def largest_models(options: Options, count: int = 5) -> list[tuple[str, int, Answer]]:
    """Catalogue models that fit with the question's settings, largest first."""
    sizes = sorted(((find(name).total_params, name) for name in model_ids()), reverse=True)
    out: list[tuple[str, int, Answer]] = []
    for size, name in sizes:
        try:
            found = answer(replace(options, model=name, config=None))
        except SpecError:
            continue
        if found.verdict == "fits":
            out.append((name, size, found))
        if len(out) == count:
            break
    return out


def cheapest_cards(options: Options, count: int = 5) -> list[Answer]:
    """Cards and nodes of up to 8 that fit, by the low end of price for the job (or for an hour, where no tokens are given)."""
    found = []
    for name, gpu in gpus().items():
        if gpu.price_low is None or (computes_in(options) == "bf16" and not gpu.has_bf16):
            continue
        for number in (1, 2, 4, 8):
            changed = replace(with_gpu(options, name), gpus=number, sharding="ddp" if number == 1 else "fsdp")
            got = answer(changed)
            if got.verdict == "fits":
                found.append(got)
                break
    return sorted(found, key=_price)[:count]


def _price(found: Answer) -> float:
    per_hour = (found.gpu.price_median or 0.0) * found.options.gpus
    if found.tokens_per_second is None:
        return per_hour
    return per_hour / (sum(found.tokens_per_second) / 2)


def cell_verdict(map_: FitMap, row: int, column: int) -> str:
    return verdict((float(map_.low_gib[row, column]), float(map_.high_gib[row, column])), map_.usable_gib)
