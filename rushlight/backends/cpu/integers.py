"""Primitives of integers and truth values on LLVM values, wrapping around as torch's do."""

from __future__ import annotations

from collections.abc import Callable

from rushlight.backends.cpu.values import UNSIGNED, Value, select, spelling

Rule = Callable[..., "Value | None"]


def _numbers(rule: Rule) -> Rule:
    """A rule for integers only: truth values have no such operation."""
    return lambda *operands: None if operands[-1].kind == "i1" else rule(*operands)


def _with_truths(truths: Rule, numbers: Rule) -> Rule:
    return lambda *operands: (truths if operands[-1].kind == "i1" else numbers)(*operands)


def _abs(x: Value) -> Value:
    return select(x < 0, -x, x) if x.kind != "i1" else x


def _sign(x: Value) -> Value:
    if x.kind == "i1":
        return x
    return select(x > 0, 1, select(x < 0, x.same(-1), 0))


def _quotient(x: Value, y: Value) -> Value:
    """x / y rounded to zero; 0 for y = 0, and no trap for the smallest number by -1."""
    if x.kind in ("i64",):
        flip = y.equals(-1)
        safe = select(y.equals(0) | flip, 1, y)
        plain = x.writer.emit(x.kind, f"sdiv {x.kind} {x.text}, {safe.text}")
        return select(y.equals(0), 0, select(flip, -x, plain))
    # Exact in double, and vector instructions exist for it, as they do not for integers.
    to, _back = ("uitofp", "fptoui") if x.kind == UNSIGNED else ("sitofp", "fptosi")
    safe = select(y.equals(0), 1, y)
    ratio = x.convert(to, "double") / safe.convert(to, "double")
    wide = ratio.convert("fptosi", "i64") if x.kind == "i32" else ratio.convert("fptosi", "i32")
    result = wide.convert("trunc", x.kind) if x.kind != wide.kind else wide
    return select(y.equals(0), 0, result)


def _floor_quotient(x: Value, y: Value) -> Value:
    quotient = _quotient(x, y)
    if x.kind == UNSIGNED:
        return quotient
    inexact = (quotient * y).differs(x) & y.differs(0)
    return select(inexact & ((x ^ y) < 0), quotient - 1, quotient)


def _fmod(x: Value, y: Value) -> Value:
    return select(y.equals(0), 0, x - _quotient(x, y) * y)


def _remainder(x: Value, y: Value) -> Value:
    return select(y.equals(0), 0, x - _floor_quotient(x, y) * y)


def _shift_left(x: Value, y: Value) -> Value:
    """0 for shifts by the width and more, and for negative ones."""
    bits = int(spelling(x.kind)[1:])
    inside = y.compare("", "ult", bits) if y.kind != UNSIGNED else y < bits
    return select(inside, x << select(inside, y, 0), 0)


def _shift_right(x: Value, y: Value) -> Value:
    """The sign for shifts by the width and more, and for negative ones."""
    bits = int(spelling(x.kind)[1:])
    if x.kind == UNSIGNED:
        return select(y < bits, x >> select(y < bits, y, 0), 0)
    return x >> select(y.compare("", "ult", bits), y, bits - 1)


def _false(x: Value) -> Value:
    return x.writer.constant("i1", False)


def _same(x: Value) -> Value:
    return x


INTEGERS: dict[str, Rule] = {
    "neg": _numbers(lambda x: -x), "abs": _abs, "sign": _sign, "sgn": _sign,
    "floor": _same, "ceil": _same, "trunc": _same, "round": _same,
    "add": _with_truths(lambda a, b: a | b, lambda a, b: a + b),
    "sub": _numbers(lambda a, b: a - b),
    "mul": _with_truths(lambda a, b: a & b, lambda a, b: a * b),
    "fmod": _numbers(_fmod), "remainder": _numbers(_remainder),
    "floor_div": _numbers(_floor_quotient), "trunc_div": _numbers(_quotient),
    "maximum": lambda a, b: select(a > b, a, b), "minimum": lambda a, b: select(a < b, a, b),
    "fmax": lambda a, b: select(a > b, a, b), "fmin": lambda a, b: select(a < b, a, b),
    "shift_left": _numbers(_shift_left), "shift_right": _numbers(_shift_right),
    "bitwise_not": lambda x: ~x, "bitwise_and": lambda a, b: a & b,
    "bitwise_or": lambda a, b: a | b, "bitwise_xor": lambda a, b: a ^ b,
    "eq": lambda a, b: a.equals(b), "ne": lambda a, b: a.differs(b), "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    "isnan": _false, "isinf": _false,
    "isfinite": lambda x: x.writer.constant("i1", True),
    "signbit": lambda x: _false(x) if x.kind == "i1" else x < 0,
}
