"""Shadow tensors and a shadow tape.

A step of training is played through with tensors that have a size and no content. Storage is born on allocation and
dies when nobody refers to it any more, just as PyTorch's reference counting frees it, so the blocks below are written in
the order, and with the local variables, of the code that they stand for. What autograd saves for the backward pass, it
saves here too (torch/csrc/autograd, derivatives.yaml). Sizes are sums over a few monomials of the batch b and the
length s, so one play-through gives the live bytes at every moment as a formula for all b and s.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Size = tuple[tuple[int, float], ...]
"""Pairs of (index into MONOMIALS, factor)."""
MONOMIALS = ("1", "s", "b", "b·s", "b·s²", "s²")
ONE, S, B, T, Q, SS = range(6)
WIDTH = len(MONOMIALS)
TAGS = ("activations", "recomputation", "logits", "dequantization", "temporaries", "gradients")
_OFFSET = {tag: number * WIDTH for number, tag in enumerate(TAGS)}


def tokens(width: float) -> Size:
    """Elements of a tensor with `width` numbers for each token."""
    return ((T, width),)


def fixed(count: float) -> Size:
    """Elements of a tensor whose size depends on neither batch nor length."""
    return ((ONE, count),)


def times(size: Size, factor: float) -> Size:
    return tuple((index, value * factor) for index, value in size)


class Tape:
    """The live bytes, by tag and monomial, and the moments at which they were locally largest."""

    def __init__(self) -> None:
        self.live: list[float] = [0.0] * (WIDTH * len(TAGS))
        self.points: list[tuple[str, list[float]]] = []
        self.jumps: list[tuple[int, int]] = []
        """(index of the point after it, layers): where equal layers were counted at once."""
        self.written: dict[str, list[float]] = {"forward": [0.0] * WIDTH, "backward": [0.0] * WIDTH}
        """All bytes that were ever allocated, by phase and monomial: what the kernels write."""
        self.repeats = 1
        """As how many equal layers the present one counts for."""
        self.phase = "forward"
        self.tag = "activations"
        self.nodes: list[Node] = []
        self.grads: dict[str, Storage] = {}
        self.autocast = False
        self.cast_cache: dict[str, Storage] = {}
        self.keeps = True
        """Whether what autograd saves is kept; off in the first pass over a checkpointed layer."""
        self.phantom = False
        """Recomputation stops once the last tensor that is needed is back; what follows is recorded only."""
        self.saves = 0
        self.saves_seen = 0
        self.stop_at = 0
        self.accumulates = False
        """Gradients of an earlier micro-batch are there already: new ones are temporary and added to them."""
        self.used_twice: frozenset[str] = frozenset()
        """Parameters that the step uses in two places."""
        self.held: list[Storage] = []
        """What stays to the end of the step."""
        self.prefix: list[Storage] = []
        """Prefix tuning's keys and values of all layers."""
        self.returned: list[Storage] = []
        """What the last layer gave back beside its result: Bloom's probabilities, which its model holds while the next layer runs."""
        self._grew = False

    def alloc(self, size: Size, offset: int) -> None:
        written = self.written[self.phase]
        for index, value in size:
            self.live[offset + index] += value
            written[index] += value * self.repeats
        self._grew = True

    def free(self, size: Size, offset: int) -> None:
        if self._grew:
            self.points.append((self.phase, self.live.copy()))
            self._grew = False
        for index, value in size:
            self.live[offset + index] -= value

    def mark(self) -> None:
        """Remember this moment, whatever comes next."""
        self.points.append((self.phase, self.live.copy()))
        self._grew = False


class Storage:
    """Bytes that live as long as something refers to this object."""

    __slots__ = ("_offset", "_tape", "size")

    def __init__(self, tape: Tape, size: Size, tag: str | None = None) -> None:
        self._tape = tape
        self._offset = _OFFSET[tag or tape.tag]
        self.size = () if tape.phantom else size
        tape.alloc(self.size, self._offset)

    def __del__(self) -> None:
        self._tape.free(self.size, self._offset)


class Node:
    """One operator on the tape, or the place where a gradient is wanted."""

    __slots__ = ("back", "inputs", "nested", "needs_saved", "saved")

    def __init__(
        self, inputs: tuple[Node | None, ...] = (), saved: tuple[Storage, ...] = (), back: Callable[..., Any] | None = None
    ) -> None:
        self.inputs = inputs
        self.saved = saved
        self.back = back
        self.nested = False
        """`back` takes a list with the gradient, to let go of it itself."""
        self.needs_saved = False
        """The operator saved something, so that its backward pass needs a recomputed layer."""


class Shadow:
    """A tensor without content: storage, number of elements, bytes an element, and the node that made it (None: no gradient)."""

    __slots__ = ("bytes", "elements", "node", "storage")

    def __init__(self, storage: Storage, elements: Size, width: int, node: Node | None = None) -> None:
        self.storage = storage
        self.elements = elements
        self.bytes = width
        self.node = node


def new(tape: Tape, elements: Size, width: int, tag: str | None = None) -> Shadow:
    """A fresh tensor of `width` bytes an element."""
    return Shadow(Storage(tape, times(elements, width), tag), elements, width)


def save(tape: Tape, count: int, *tensors: Shadow) -> tuple[Storage, ...]:
    """What an operator keeps for its backward pass. `count` includes parameters, which take no new memory."""
    tape.saves += count
    if tape.stop_at and tape.saves >= tape.stop_at:
        tape.phantom = True
    return tuple(t.storage for t in tensors) if tape.keeps else ()


def record(tape: Tape, out: Shadow, inputs: tuple[Node | None, ...], saved: tuple[Storage, ...], back: Callable[..., Any]) -> Shadow:
    """Hang an operator on the tape. `back(gradient)` gives a gradient, or None, for each input."""
    node = Node(inputs, saved, back)
    node.needs_saved = tape.saves > tape.saves_seen
    tape.saves_seen = tape.saves
    out.node = node
    if tape.keeps:
        tape.nodes.append(node)
    return out


def view(out_of: Shadow, elements: Size | None = None) -> Shadow:
    """The same storage seen with another shape; its gradient is a view too, so it shares the node."""
    return Shadow(out_of.storage, elements or out_of.elements, out_of.bytes, out_of.node)


def backward(
    tape: Tape, seeds: dict[Node, Shadow], nodes: list[Node], leaf: Node | None = None, until_saved: bool = False
) -> Shadow | None:
    """Walk the tape back from the seeds, freeing what each operator saved. Returns the gradient that reaches `leaf`.

    With `until_saved` it stops before the first operator that needs what it saved.
    """
    while nodes:
        if until_saved and nodes[-1].needs_saved and nodes[-1] in seeds:
            return None
        node = nodes.pop()
        gradient = seeds.pop(node, None)
        if gradient is None or node.back is None:
            node.saved, node.back = (), None
            continue
        if node.nested:
            box = [gradient]
            del gradient
            given = node.back(box)
        else:
            given = node.back(gradient)
            del gradient
        node.saved, node.back = (), None
        for number, target in enumerate(node.inputs):
            if target is not None and given[number] is not None:
                _accumulate(tape, seeds, target, given[number])
        del given
    return seeds.pop(leaf, None) if leaf is not None else None


def _accumulate(tape: Tape, seeds: dict[Node, Shadow], target: Node, gradient: Shadow) -> None:
    """Sum in place where the first gradient's storage is held by nobody else (input_buffer.cpp), else into a new tensor."""
    old = seeds.get(target)
    if old is None:
        seeds[target] = gradient
    elif sys.getrefcount(old.storage) > 2:
        seeds[target] = new(tape, old.elements, old.bytes)


def parameter_gradient(tape: Tape, name: str, elements: float, width: int) -> None:
    """A gradient of a trained parameter: it stays until the optimizer's step.

    A parameter that is used twice gets a second one; the engine holds the first, which is a view, and sums out of place.
    """
    if name in tape.grads:
        second, total = new(tape, fixed(elements), width, "temporaries"), new(tape, fixed(elements), width, "temporaries")
        del second, total
        if tape.accumulates:
            del tape.grads[name]
    elif tape.accumulates and name not in tape.used_twice:
        new(tape, fixed(elements), width, "temporaries")
    else:
        tape.grads[name] = Storage(tape, fixed(elements * width), "gradients")
