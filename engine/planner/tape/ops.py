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


def rms_norm(tape: Tape, x: Shadow, name: str, width: float, *, weight_bytes: int, trains: bool, kind: str = "llama") -> Shadow:
    """RMS norm as transformers writes it out in elementwise steps (llama, gemma and t5 differ in their casts)."""
    original = x.bytes
    wide = cast(tape, x, 4)
    rows = times(x.elements, 1 / width)
    base = x if kind == "t5" else wide
    square = _square(tape, wide)
    variance = _row_mean(tape, square, rows)
    del square
    if kind == "t5":
        del wide
    normed = _times_rows(tape, base, variance, rows)
    del base, variance
    if kind == "gemma":
        wide = None  # type: ignore[assignment]
        scaled = _times_weight(tape, normed, name, width, trains, 4, weight_bytes)
        del normed
        return cast(tape, scaled, original)
    narrow = cast(tape, normed, original if kind == "llama" else min(weight_bytes, 4))
    del normed
    return _times_weight(tape, narrow, name, width, trains, weight_bytes, weight_bytes)


def _square(tape: Tape, x: Shadow) -> Shadow:
    """`pow(2)`: its gradient is grad * (2 * x.pow(1)), three more tensors for a moment."""
    kept = save(tape, 1, x) if x.node is not None else ()
    out = new(tape, x.elements, x.bytes)
    if x.node is None:
        return out
    elements, width = x.elements, x.bytes

    def back(g: Shadow) -> tuple[Shadow]:
        moment = [new(tape, elements, width), new(tape, elements, width)]  # one C++ expression: both live to its end
        result = new(tape, elements, width)
        del moment
        return (result,)

    return record(tape, out, (x.node,), kept, back)


def _row_mean(tape: Tape, x: Shadow, rows: Size) -> Shadow:
    """Mean over the row, plus epsilon, to the power -1/2; the mean's gradient is spread over the row again."""
    out = new(tape, rows, 4)
    if x.node is None:
        return out
    kept = save(tape, 1, out)
    elements, width = x.elements, x.bytes
    return record(tape, out, (x.node,), kept, lambda g: (new(tape, elements, width),))


def _times_rows(tape: Tape, x: Shadow, rows_value: Shadow, rows: Size) -> Shadow:
    """Product with one number a row; the row's gradient is a whole product that is then summed."""
    kept = save(tape, 2, x, rows_value) if x.node is not None else ()
    out = new(tape, x.elements, max(x.bytes, rows_value.bytes))
    if x.node is None:
        return out
    elements, width, made = x.elements, x.bytes, out.bytes

    def back(g: Shadow) -> tuple[Shadow, Shadow]:
        mine = new(tape, elements, made)
        product = new(tape, elements, made)
        summed = new(tape, rows, 4)
        del product
        if width != made:
            mine = new(tape, elements, width)
        return mine, summed

    return record(tape, out, (x.node, rows_value.node), kept, back)


def _times_weight(tape: Tape, x: Shadow, name: str, width: float, trains: bool, weight_bytes: int, stored_bytes: int) -> Shadow:
    if x.node is None and not trains:
        return new(tape, x.elements, max(x.bytes, weight_bytes))
    kept = save(tape, 1 + trains, *([x] if trains else []))
    out = new(tape, x.elements, max(x.bytes, weight_bytes))
    elements, x_bytes, node, made = x.elements, x.bytes, x.node, max(x.bytes, weight_bytes)

    def back(g: Shadow) -> tuple[Shadow | None]:
        result = new(tape, elements, made) if node is not None else None
        if result is not None and made != x_bytes:
            result = new(tape, elements, x_bytes)
        if trains:
            product = new(tape, elements, made)
            parameter_gradient(tape, name, width, stored_bytes)
            del product
        return (result,)

    return record(tape, out, (x.node,), kept, back)


def fused_rms_norm(tape: Tape, x: Shadow, name: str, width: float, *, weight_bytes: int, trains: bool) -> Shadow:
    """RMS norm as one Triton kernel: keeps its input and one fp32 number a row."""
    wants = x.node is not None or trains
    out = new(tape, x.elements, max(x.bytes, weight_bytes))
    rows = new(tape, times(x.elements, 1 / width), 4)
    if not wants:
        return out
    kept = save(tape, 3, x, rows)
    elements, x_bytes, node = x.elements, x.bytes, x.node

    def back(g: Shadow) -> tuple[Shadow | None]:
        result = new(tape, elements, x_bytes) if node is not None else None
        if trains:
            parameter_gradient(tape, name, width, weight_bytes)
        return (result,)

    return record(tape, out, (x.node,), kept, back)


def layer_norm(tape: Tape, x: Shadow, name: str, width: float, *, weight_bytes: int, trains: bool) -> Shadow:
    """One kernel: saves its input, and mean and inverse deviation in fp32 for each row."""
    if tape.autocast:
        x = cast(tape, x, 4)
    wants = x.node is not None or trains
    rows = times(x.elements, 1 / width)
    out = new(tape, x.elements, x.bytes)
    statistics = new(tape, times(rows, 2), 4)
    if not wants:
        return out
    kept = save(tape, 5, x, statistics)
    elements, x_bytes, node = x.elements, x.bytes, x.node

    def back(g: Shadow) -> tuple[Shadow | None]:
        result = new(tape, elements, x_bytes) if node is not None else None
        if trains:
            parameter_gradient(tape, name, 2 * width, weight_bytes)
        return (result,)

    return record(tape, out, (x.node,), kept, back)


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


def cube(tape: Tape, x: Shadow) -> Shadow:
    """`pow(3)`: its gradient is grad * (3 * x.pow(2))."""
    return _square(tape, x)
