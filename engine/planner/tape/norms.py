"""Norms: written out step by step in transformers, or one kernel."""

from __future__ import annotations

from engine.planner.tape.core import Shadow, Size, Tape, new, parameter_gradient, record, save, times
from engine.planner.tape.ops import cast


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
    normed = times_rows(tape, base, variance, rows)
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


def times_rows(tape: Tape, x: Shadow, rows_value: Shadow, rows: Size) -> Shadow:
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


def cube(tape: Tape, x: Shadow) -> Shadow:
    """`pow(3)`: its gradient is grad * (3 * x.pow(2))."""
    return _square(tape, x)
