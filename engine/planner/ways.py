"""Ways to make a job fit: each change on its own, what it saves and what it costs in time, best first; then a combination that fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from engine.contracts import SpecError
from engine.planner.answer import Answer, answer
from engine.planner.clock import MEASURED_ON, tokens_per_second
from engine.planner.hardware import find_gpu
from engine.planner.options import Options, read_options

ORDER = {"fits": 0, "tight": 1, "exceeds": 2}


class Way(NamedTuple):
    """One change and its effect."""

    name: str
    changes: dict[str, Any]
    answer: Answer
    saved_gib: float
    """Of reserved memory."""
    time_factor: float
    """Time for the same tokens, over the time before, by the same clock as the answer's speed."""
    note: str = ""
    gpus_before: int = 1

    @property
    def card_time_factor(self) -> float:
        """The same with every card's time counted: what is paid."""
        return self.time_factor * self.answer.options.gpus / self.gpus_before

    @property
    def verdict(self) -> str:
        return self.answer.verdict


def ways(asked: Answer) -> list[Way]:
    """Every single change that saves memory, best first: what fits before what does not, faster before slower, more saved before less."""
    found = [
        way for name, changes, note in _candidates(asked.options) if (way := _try(asked, name, changes, note)) and way.saved_gib > 0.01
    ]
    return sorted(found, key=lambda way: (ORDER[way.verdict], round(way.card_time_factor, 2), -way.saved_gib))


def combination(asked: Answer) -> list[Way]:
    """Changes taken one after another, cheapest in time first, until the job fits; empty where it fits, or where none do."""
    if asked.verdict == "fits":
        return []
    return _combined(asked, ("gpus", "offload", "seq_len")) or _combined(asked, ("gpus", "offload"))


def _combined(asked: Answer, left_out: tuple[str, ...]) -> list[Way]:
    taken: list[Way] = []
    now = asked
    for _ in range(6):
        options = [way for way in ways(now) if not any(name in way.changes for name in left_out)]
        if not options:
            return []
        best = min(
            options, key=lambda way: (ORDER[way.verdict], (way.card_time_factor - 1 + _price_of_change(way)) / max(way.saved_gib, 0.01))
        )
        taken.append(best)
        now = best.answer
        if now.verdict == "fits":
            return taken
    return []


def _price_of_change(way: Way) -> float:
    """What a change costs beside time: another method or fewer directions may learn less, more passes are only slower."""
    return 0.5 * ("method" in way.changes) + 0.2 * bool({"rank", "targets"} & set(way.changes)) + 0.01


def _try(asked: Answer, name: str, changes: dict[str, Any], note: str) -> Way | None:
    try:
        found = answer(changed_options(asked.options, changes))
    except SpecError:
        return None
    saved = asked.reserve.reserved_gib - found.reserve.reserved_gib
    return Way(name, changes, found, saved, _time_factor(asked, found), note, asked.options.gpus)


def _time_factor(before: Answer, after: Answer) -> float:
    """From the middles of the two bands of speed; where a bare number of GiB was given, as on the card that was measured."""
    return _middle(before) / _middle(after)


def _middle(a: Answer) -> float:
    low, high = a.tokens_per_second or tokens_per_second(a.options, a.arch, find_gpu(MEASURED_ON)) or (1.0, 1.0)
    return float((low * high) ** 0.5)


def changed_options(options: Options, changes: dict[str, Any]) -> Options:
    """The options with some changed, checked anew; what no longer applies to another method is dropped. Raises SpecError."""
    values = {**options.as_dict(), **changes}
    if values["method"] != options.method:
        kept = ("rank", "targets") if {values["method"], options.method} <= {"lora", "qlora"} else ()
        for name in ("rank", "targets", "kbit_prepare", "virtual_tokens", "weights", "trainable_dtype", "autocast", "reference"):
            if name not in changes and name not in kept:
                values.pop(name, None)
    return read_options(values)


def _candidates(o: Options) -> list[tuple[str, dict[str, Any], str]]:
    out: list[tuple[str, dict[str, Any], str]] = []

    def offer(holds: bool, name: str, changes: dict[str, Any], note: str = "") -> None:
        if holds:
            out.append((name, changes, note))

    out_of_layers = o.objective == "sft"
    offer(o.checkpointing != "full" and o.method != "prefix", "Recompute layers (full checkpointing)", {"checkpointing": "full"})
    offer(o.checkpointing == "none" and o.method != "prefix", "Recompute every second layer", {"checkpointing": "selective"})
    offer(o.micro_batch > 1, "Micro-batch 1, accumulate the rest", {"micro_batch": 1, "accumulation": o.accumulation * o.micro_batch})
    offer(o.seq_len > 64, "Half the sequence length", {"seq_len": o.seq_len // 2}, "long texts are cut or split")
    offer(o.logits not in ("fused",) and out_of_layers, "Fuse the loss (linear and cross-entropy in one)", {"logits": "fused"})
    offer(o.attention == "eager", "Fused attention (SDPA)", {"attention": "sdpa"})
    offer(o.method == "full", "LoRA in place of full fine-tuning", {"method": "lora"}, "trains fewer directions")
    offer(
        o.method in ("full", "lora"),
        "QLoRA: 4-bit weights",
        {"method": "qlora", "weights": "nf4-dq"},
    )
    offer(o.weights in ("nf4", "fp4", "int8"), "Quantize the constants too (nf4-dq)", {"weights": "nf4-dq"})
    offer(o.kbit_prepare, "Leave norms and embeddings in 16 bits", {"kbit_prepare": False})
    offer(o.optimizer == "adamw", "Fused AdamW", {"optimizer": "adamw-fused"})
    offer(o.optimizer in ("adamw", "adamw-fused"), "8-bit AdamW", {"optimizer": "adamw-8bit"})
    offer(
        not o.optimizer.startswith("paged") and o.offload == "none",
        "Paged AdamW: states move to the CPU when short",
        {"optimizer": "paged-adamw-32bit"},
    )
    offer(o.method in ("lora", "qlora") and o.rank > 8, "Rank 8", {"rank": 8}, "fewer directions")
    offer(
        o.method in ("lora", "qlora") and o.targets == "all-linear",
        "Adapters on q and v only",
        {"targets": "q,v"},
        "below all-linear in quality (QLoRA, §4)",
    )
    sharding = {"sharding": "fsdp"}
    for count in (2, 4, 8):
        offer(o.gpus < count, f"{count} cards, sharded (FSDP)", {"gpus": count, **sharding})
    offer(o.gpus > 1 and o.sharding not in ("zero3", "fsdp"), "Shard weights too (FSDP)", sharding)
    offer(
        o.offload == "none" and not o.optimizer.startswith("paged") and o.method == "full", "Optimizer on the CPU", {"offload": "optimizer"}
    )
    offer(
        o.offload != "all" and not o.optimizer.startswith("paged"),
        "Weights and optimizer on the CPU",
        {"offload": "all"},
        "time is that of moving them; an assumption",
    )
    return out


def with_gpu(options: Options, name: str) -> Options:
    """The same question for another card, at that card's prices."""
    return replace(options, gpu=name, price=None)
