"""The operators that language models are made of: what each allocates, saves and needs in its backward pass.

Each function states what PyTorch's eager mode does; "saves" is what derivatives.yaml keeps.
"""

from __future__ import annotations

from engine.planner.tape.core import Q, Shadow, Size, Tape, new, parameter_gradient, record, save, times, tokens, view
from engine.planner.tape.core import T as TOKEN


def cast(tape: Tape, x: Shadow, width: int) -> Shadow:
    """`x.to(dtype)`: a copy, unless the type is the same. Saves nothing."""
    if x.bytes == width:
        return x
    out = new(tape, x.elements, width)
    if x.node is None:
        return out
    elements, old = x.elements, x.bytes
    return record(tape, out, (x.node,), (), lambda g: (new(tape, elements, old),))


def add(tape: Tape, a: Shadow, b: Shadow) -> Shadow:
    """Elementwise sum in the wider of the two types; gradients pass through, cast back where the types differ."""
    width = max(a.bytes, b.bytes)
    out = new(tape, a.elements, width)
    if a.node is None and b.node is None:
        return out
    widths, elements = (a.bytes, b.bytes), a.elements

    def back(g: Shadow) -> tuple[Shadow, ...]:
        return tuple(view(g) if w == g.bytes else new(tape, elements, w) for w in widths)

    return record(tape, out, (a.node, b.node), (), back)


def multiply(tape: Tape, a: Shadow, b: Shadow) -> Shadow:
    """Elementwise product of two tensors that both may want gradients. Saves each where the other wants one."""
    count = (a.node is not None) + (b.node is not None)
    kept = save(tape, count, *([b] if a.node else []), *([a] if b.node else []))
    out = new(tape, a.elements, max(a.bytes, b.bytes))
    if not count:
        return out
    na, nb, wa, wb, elements = a.node, b.node, a.bytes, b.bytes, a.elements

    def back(g: Shadow) -> tuple[Shadow | None, ...]:
        return (new(tape, elements, wa) if na else None, new(tape, elements, wb) if nb else None)

    return record(tape, out, (na, nb), kept, back)


def scale(tape: Tape, x: Shadow, *, by_tensor: bool = False) -> Shadow:
    """Product with a number (nothing is saved), or with a tensor that wants no gradient and lives anyway (cosines, sines)."""
    if by_tensor and x.node is not None:
        save(tape, 1)
    out = new(tape, x.elements, x.bytes)
    if x.node is None:
        return out
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), (), lambda g: (new(tape, elements, width),))


def pointwise(tape: Tape, x: Shadow, *, keeps_result: bool = False) -> Shadow:
    """SiLU, GELU (save their input), ReLU, tanh (save their result)."""
    out: Shadow
    if x.node is not None and not keeps_result:
        kept = save(tape, 1, x)
        out = new(tape, x.elements, x.bytes)
    else:
        out = new(tape, x.elements, x.bytes)
        kept = save(tape, 1, out) if x.node is not None else ()
    if x.node is None:
        return out
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), kept, lambda g: (new(tape, elements, width),))


def copy(tape: Tape, x: Shadow) -> Shadow:
    """`contiguous()`, `clone()` or a reshape that cannot be a view. Its gradient passes through."""
    out = new(tape, x.elements, x.bytes)
    return record(tape, out, (x.node,), (), lambda g: (view(g),)) if x.node is not None else out


def slice_of(tape: Tape, x: Shadow, share: float) -> Shadow:
    """A part of the last dimension: a view. Its gradient is written into zeros of the whole size."""
    out = Shadow(x.storage, times(x.elements, share), x.bytes)
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), (), lambda g: (new(tape, elements, width),)) if x.node is not None else out


def split(tape: Tape, x: Shadow, shares: tuple[float, ...]) -> list[Shadow]:
    """`split` or `chunk`: views; the backward pass joins their gradients into one new tensor once all are there."""
    if x.node is None:
        return [Shadow(x.storage, times(x.elements, share), x.bytes) for share in shares]
    waiting: list[Shadow] = []
    elements, width = x.elements, x.bytes
    joint = Shadow(x.storage, elements, width)
    record(tape, joint, (x.node,), (), lambda g: (new(tape, elements, width),))
    assert joint.node is not None
    outs = []
    for share in shares:
        out = Shadow(x.storage, times(elements, share), width)
        outs.append(record(tape, out, (joint.node,), (), _parts(waiting, len(shares))))
    return outs


def _parts(waiting: list[Shadow], count: int):  # type: ignore[no-untyped-def]
    def back(g: Shadow) -> tuple[Shadow | None]:
        waiting.append(g)
        if len(waiting) < count:
            return (None,)
        first = waiting[0]
        joined = _Joined(first, waiting)
        return (joined,)

    return back


class _Joined(Shadow):
    """Gradients of several views, kept until they are joined."""

    __slots__ = ("parts",)

    def __init__(self, first: Shadow, parts: list[Shadow]) -> None:
        Shadow.__init__(self, first.storage, first.elements, first.bytes)
        self.parts = list(parts)
        parts.clear()


def join(tape: Tape, parts: list[Shadow]) -> Shadow:
    """`cat` along the last dimension; gradients are views of the whole."""
    total: dict[int, float] = {}
    for part in parts:
        for index, value in part.elements:
            total[index] = total.get(index, 0.0) + value
    out = new(tape, tuple(total.items()), parts[0].bytes)
    nodes = tuple(part.node for part in parts)
    if not any(nodes):
        return out
    sizes = [part.elements for part in parts]
    return record(tape, out, nodes, (), lambda g: tuple(Shadow(g.storage, size, g.bytes) for size in sizes))


def dropout(tape: Tape, x: Shadow, share: float) -> Shadow:
    """Saves a mask of one byte an element; nothing happens where nothing is dropped."""
    if not share:
        return x
    out = new(tape, x.elements, x.bytes)
    mask = new(tape, x.elements, 1)
    kept = save(tape, 1, mask) if x.node is not None else ()
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), kept, lambda g: (new(tape, elements, width),)) if x.node is not None else out


def embedding(tape: Tape, name: str, rows: float, width: float, *, weight_bytes: int, trains: bool) -> Shadow:
    """A look-up; its gradient is dense, as large as the whole table."""
    out = new(tape, tokens(width), weight_bytes)
    if not trains:
        return out

    def back(g: Shadow) -> tuple[()]:
        parameter_gradient(tape, name, rows * width, weight_bytes)
        return ()

    return record(tape, out, (), save(tape, 1), back)


def fused_attention(
    tape: Tape, q: Shadow, k: Shadow, v: Shadow, heads: int, *, causal_mask: Shadow | None = None, expands: bool = False
) -> Shadow:
    """Flash or memory-efficient attention: keeps its inputs, its output and one fp32 number a head and token.

    Dao et al. 2022, 2205.14135, §3.1. `expands`: the kernel widens key and value gradients to all heads before it sums them.
    """
    out = new(tape, q.elements, q.bytes)
    sums = new(tape, tokens(heads), 4)
    wants = any(x.node is not None for x in (q, k, v))
    if not wants:
        return out
    kept = save(tape, 5, q, k, v, out, sums, *([causal_mask] if causal_mask else []))
    shapes = [(x.elements, x.bytes) for x in (q, k, v)]
    query_elements = q.elements

    def back(g: Shadow) -> tuple[Shadow, ...]:
        given = tuple(new(tape, elements, width) for elements, width in shapes)
        if expands:
            wide = [new(tape, query_elements, width) for _, width in shapes[1:]]
            del wide
        return given

    return record(tape, out, (q.node, k.node, v.node), kept, back)


def matmul(tape: Tape, a: Shadow, b: Shadow, elements: Size) -> Shadow:
    """Batched product of two tensors."""
    count = (a.node is not None) + (b.node is not None)
    kept = save(tape, count, *([b] if a.node else []), *([a] if b.node else []))
    out = new(tape, elements, a.bytes)
    if not count:
        return out
    shapes = [(x.elements, x.bytes) if x.node is not None else None for x in (a, b)]
    return record(tape, out, (a.node, b.node), kept, lambda g: tuple(new(tape, *shape) if shape else None for shape in shapes))


def softmax(tape: Tape, x: Shadow, *, width: int) -> Shadow:
    """Softmax computed in and returned as `width` bytes, after a copy where the input is narrower; saves its result."""
    x = cast(tape, x, width)
    out = new(tape, x.elements, width)
    if x.node is None:
        return out
    kept = save(tape, 1, out)
    elements, old = x.elements, x.bytes
    return record(tape, out, (x.node,), kept, lambda g: (new(tape, elements, old),))


def scores_size(heads: float, extra_keys: float = 0.0) -> Size:
    """Elements of one (b, heads, s, s + extra) score tensor."""
    return ((Q, heads), (TOKEN, heads * extra_keys)) if extra_keys else ((Q, heads),)
