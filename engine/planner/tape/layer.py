"""One layer's modules by role, and the calls that every kind of layer makes."""

from __future__ import annotations

from engine.planner.arch import Stack
from engine.planner.tape.core import Shadow, Tape
from engine.planner.tape.linear import Setting, linear
from engine.planner.tape.norms import fused_rms_norm, layer_norm, rms_norm
from engine.planner.tape.ops import (
    dropout,
)


class Layer:
    """Modules of one layer by role, and the calls that every kind of layer makes."""

    def __init__(self, tape: Tape, setting: Setting, stack: Stack, number: int, last: bool = False) -> None:
        self.tape, self.setting, self.number, self.last = tape, setting, number, last
        self.modules = {module.role: module for module in stack.linears}

    def linear(self, x: Shadow, role: str) -> Shadow:
        return linear(self.tape, self.setting, x, self.modules[role], self.name(role))

    def name(self, part: str) -> str:
        return f"{self.number}.{part}"

    def norm(self, x: Shadow, part: str, width: int = 0, kind: str = "") -> Shadow:
        s, arch = self.setting, self.setting.arch
        width = width or arch.hidden
        trains = s.trains
        if arch.norm == "layer":
            return layer_norm(self.tape, x, self.name(part), width, weight_bytes=s.norm_bytes, trains=trains)
        if s.fused:
            return fused_rms_norm(self.tape, x, self.name(part), width, weight_bytes=s.norm_bytes, trains=trains)
        kind = "gemma" if arch.family.startswith("gemma") else ("t5" if arch.block == "t5" else "llama")
        return rms_norm(self.tape, x, self.name(part), width, weight_bytes=s.norm_bytes, trains=trains, kind=kind)

    def dropped(self, x: Shadow) -> Shadow:
        return dropout(self.tape, x, self.setting.dropout)
