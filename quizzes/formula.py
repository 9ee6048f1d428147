"""Formulas as text: arithmetic over names, worked out without `eval`, bounded so that no pack can hang the page."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

Value = str | int | float
MAX_LENGTH = 300
_LIMIT = 1e30
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt,
    "log": math.log,
    "log2": math.log2,
    "exp": math.exp,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "min": min,
    "max": max,
    "abs": abs,
    "nearest": lambda value, *levels: min(levels, key=lambda level: abs(level - value)),
}


def evaluate(formula: str, names: Mapping[str, Value]) -> float:
    """Work out `formula` over `names`.

    Allowed: numbers, names, + - * / // % **, brackets, and sqrt log log2 exp ceil floor round min max abs;
    nearest(x, a, b, ...) is the one of a, b, ... that x is closest to.

    Raises:
        ValueError: for anything else, for a name that is not there or is a text, and for a result that is no finite number.
    """
    try:
        value = _walk(_parse(formula), names)
        good = math.isfinite(value) and abs(value) <= _LIMIT
    except (ArithmeticError, TypeError, RecursionError) as error:
        raise ValueError(f"{formula[:80]!r} cannot be worked out: {error}") from None
    if not good:
        raise ValueError(f"{formula[:80]!r} gives {value:.3g}, which is no usable number")
    return value


@lru_cache(maxsize=4096)
def _parse(formula: str) -> ast.expr:
    if len(formula) > MAX_LENGTH:
        raise ValueError(f"a formula of {len(formula)} characters is too long; at most {MAX_LENGTH}")
    try:
        return ast.parse(formula, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{formula[:80]!r} is not a formula") from None


def _walk(node: ast.expr, names: Mapping[str, Value]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(number)
        case ast.Name(id=name):
            value = names.get(name)
            if not isinstance(value, (int, float)):
                known = ", ".join(sorted(names)) or "none"
                raise ValueError(f"{name!r} is not a number that was drawn or computed (there are: {known})")
            return value
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_walk(inner, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_walk(left, names), _walk(right, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_walk(left, names), _walk(right, names)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_walk(arg, names) for arg in args))
    raise ValueError(f"{ast.unparse(node)[:80]!r} is not allowed in a formula")


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > 64:
        raise ValueError(f"the exponent {exponent:.3g} is too large; at most 64")
    result = float(base) ** exponent if abs(base) > 1e6 or exponent < 0 else base**exponent
    if isinstance(result, complex):
        raise ValueError("a root of a negative number is no number here")
    return _bounded(result)


def _bounded(value: float) -> float:
    if abs(value) > _LIMIT:
        raise ValueError("a step of the formula is larger than 1e30")
    return value
