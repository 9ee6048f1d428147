"""Which matrices an adapter sits on: the words q,v / qkvo / all-linear, or module names matched as PEFT matches them."""

from __future__ import annotations

from engine.contracts import SpecError
from engine.planner.arch import Arch, Linear

_ROLES = {
    "q,v": ("q", "v", "qkv", "cross_q", "cross_v"),
    "qkvo": ("q", "k", "v", "o", "qkv", "cross_q", "cross_k", "cross_v", "cross_o"),
}


def _all_linears(arch: Arch) -> list[tuple[int, Linear]]:
    """Every linear module with how often it occurs."""
    inside = [(stack.layers, module) for stack in arch.stacks for module in stack.linears]
    return inside + [(1, module) for module in arch.outer if module.role != "pool"]


def is_target(module: Linear, targets: str) -> bool:
    """Whether an adapter sits on this module; a name matches the end of the dotted path, as in PEFT."""
    if targets in _ROLES:
        return module.role in _ROLES[targets]
    if targets == "all-linear":
        return True
    names = [name.strip() for name in targets.split(",")]
    return any(module.path == name or module.path.endswith(f".{name}") for name in names)


def adapted(targets: str, arch: Arch) -> list[tuple[int, Linear]]:
    """The targeted modules with how often each occurs in the model.

    Raises:
        SpecError: a name that no module of the model has.
    """
    if targets not in (*_ROLES, "all-linear"):
        for name in (part.strip() for part in targets.split(",")):
            if not any(is_target(module, name) for _, module in _all_linears(arch)):
                known = ", ".join(dict.fromkeys(module.path.rsplit(".", 1)[-1] for _, module in _all_linears(arch)))
                raise SpecError(f"targets={name[:40]!r} names no module of this model; it has {known}")
    return [(count, module) for count, module in _all_linears(arch) if is_target(module, targets)]


def module_names(targets: str, arch: Arch) -> list[str]:
    """The same as paths that PEFT's target_modules understands."""
    return sorted({module.path for _, module in adapted(targets, arch)})
