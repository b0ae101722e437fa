"""Expressions printed as LLVM IR: the scalar function `@body` that a loop calls per element.

Real numbers of every width and truth values are printed; complex numbers and the gamma and Bessel
functions are not, and raise `Unsupported`: they run on the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rushlight.backends.cpu import mathematics as m
from rushlight.backends.cpu import mathematics_double as double
from rushlight.backends.cpu.integers import INTEGERS
from rushlight.backends.cpu.values import (
    FORMATS,
    UNSIGNED,
    Value,
    Writer,
    absolute,
    copysign,
    select,
    spelling,
    sqrt,
)
from rushlight.expr.expression import Expression, specialise, walk

Rule = Callable[..., Value]


class Unsupported(NotImplementedError):
    """An expression that this backend does not print; the host computes it."""


# What the body is given for a dtype of memory, and what it computes in.
KINDS = {
    "bool": "i1", "uint8": UNSIGNED, "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "float16": "float", "bfloat16": "float", "float32": "float", "float64": "double",
}


def lower(root: Expression, names: Sequence[str], inputs: Sequence[str], output: str) -> str:
    """IR text that defines `@body`: `root` of the symbols `names`, which have the dtypes `inputs`.

    Numbers are computed in the kind of the output, or of the inputs where the output is a truth
    value; inputs of another kind are converted first. Where the body is right for most operands
    only, the text also defines `@guard`, which is true for the others, and `@exact`, which is
    right for them: see `guarded.py`.
    """
    root = specialise(root, False)
    writer, arguments, result = _written(root, names, inputs, output, exact=False)
    functions = [_function("body", writer, arguments, result)]
    if writer.guards:
        guard = writer.guards[0]
        for other in writer.guards[1:]:
            guard = guard | other
        functions.append(_function("guard", writer, arguments, guard))
        slow, arguments, result = _written(root, names, inputs, output, exact=True)
        functions.append(_function("exact", slow, arguments, result))
        writer.declarations.update(slow.declarations)
    return "".join(functions + sorted(writer.declarations.values()))


def _written(
    root: Expression, names: Sequence[str], inputs: Sequence[str], output: str, exact: bool
) -> tuple[Writer, list[Value], Value]:
    writer = Writer(exact)
    arguments = [Value(writer, _kind(d), f"%a{i}") for i, d in enumerate(inputs)]
    kind = _computed_in(root, arguments, output)
    values: dict[Expression, Value] = {}
    given = dict(zip(names, arguments, strict=True))
    for node in walk([root]):
        if node.name == "symbol":
            argument = given[str(node.value)]
            values[node] = _truth(argument) if node.boolean else convert(argument, kind)
        elif node.name == "constant":
            values[node] = _constant(writer, node, kind)
        else:
            values[node] = _call(node, [values[x] for x in node.operands], kind)
    return writer, arguments, convert(values[root], _kind(output))


def _kind(dtype: str) -> str:
    if dtype not in KINDS:
        raise Unsupported(f"kernels of {dtype}")
    return KINDS[dtype]


def _computed_in(root: Expression, arguments: list[Value], output: str) -> str:
    if not root.boolean:
        return _kind(output)
    kinds = {x.kind for x in arguments} - {"i1"} or {"i1"}
    if len(kinds) > 1:
        raise Unsupported(f"a truth value of numbers of different types: {sorted(kinds)}")
    return kinds.pop()


def _function(name: str, writer: Writer, arguments: list[Value], result: Value) -> str:
    kind = spelling(result.kind)
    parameters = ", ".join(f"{spelling(x.kind)} {x.text}" for x in arguments)
    lines = "".join(f"  {line}\n" for line in writer.lines)
    return (f"define internal {kind} @{name}({parameters}) alwaysinline nounwind {{\n"
            f"{lines}  ret {kind} {result.text}\n}}\n")


def _constant(writer: Writer, node: Expression, kind: str) -> Value:
    value = node.value
    if isinstance(value, complex):
        raise Unsupported("complex constants")
    if node.boolean:
        return writer.constant("i1", bool(value))
    if kind not in FORMATS and value != int(value):  # type: ignore[call-overload]
        raise TypeError(f"the constant {value} is no integer, in a kernel of {spelling(kind)}")
    if kind not in FORMATS and kind != "i1":
        bits = int(spelling(kind)[1:])
        value = (int(value) + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)  # type: ignore
    return writer.constant(kind, value)  # type: ignore[arg-type]


def convert(x: Value, kind: str) -> Value:
    """A number or truth value as a number of another kind, or as a truth value."""
    if x.kind == kind:
        return x
    if kind == "i1":
        return _truth(x)
    if x.floating and kind in FORMATS:
        return x.convert("fpext" if kind == "double" else "fptrunc", kind)
    if x.floating:
        return x.convert("fptoui" if kind == UNSIGNED else "fptosi", kind)
    unsigned = x.kind in ("i1", UNSIGNED)
    if kind in FORMATS:
        return x.convert("uitofp" if unsigned else "sitofp", kind)
    old, new = (int(spelling(k)[1:]) for k in (x.kind, kind))
    if old == new:
        return Value(x.writer, kind, x.text)
    return x.convert("trunc" if old > new else "zext" if unsigned else "sext", kind)


def _truth(x: Value) -> Value:
    return x if x.kind == "i1" else x.differs(0)


def _call(node: Expression, operands: list[Value], kind: str) -> Value:
    """A primitive; where there is a rule for integers, it is used for them and truth values."""
    name = node.name
    if name == "cast":
        return convert(operands[0], kind)
    if name == "nonzero":
        return _truth(operands[0])
    if name == "where":
        return _where(*operands)
    rules = FLOATS if operands[-1].floating else INTEGERS
    rule = rules.get(name)
    result = rule(*operands) if rule is not None else None
    if result is None:
        raise Unsupported(f"{name} of {spelling(operands[-1].kind)}")
    return result


def _where(condition: Value, yes: Value, no: Value) -> Value:
    if yes.kind != no.kind:
        numbers = [x.kind for x in (yes, no) if x.kind != "i1"]
        yes, no = convert(yes, numbers[0]), convert(no, numbers[0])
    return select(_truth(condition), yes, no)


def _intrinsic(name: str) -> Rule:
    return lambda x: x.writer.intrinsic(name, x)


def _in_double(function: Rule) -> Rule:
    """float32 by way of double precision."""

    def rule(*operands: Value) -> Value:
        result = function(*(x.widen() for x in operands))
        return convert(result, operands[0].kind)

    return rule


def _angle_function(name: str, function: Rule) -> Rule:
    """sin, cos and tan: angles of many turns go to the C library."""

    def rule(x: Value) -> Value:
        wide = x.widen()
        if x.writer.exact:
            return convert(x.writer.intrinsic(name, wide), x.kind)
        size = absolute(wide)
        x.writer.guards.append((size >= double.ANGLE_LIMIT) & (size < math.inf))
        return convert(function(wide, x.kind), x.kind)

    return rule


def _power(x: Value, y: Value) -> Value:
    return double.power(x, y) if x.kind == "double" else double.power_float(x, y)


def _sign(x: Value) -> Value:
    return convert(x > 0, x.kind) - convert(x < 0, x.kind)


def _angle(x: Value) -> Value:
    return select(x < 0, math.pi, select(x.is_nan(), x, 0.0))


def _is_number(x: Value) -> bool:
    return x.is_constant and "0x7FF" not in x.text and "0xFFF" not in x.text


def _propagating(first_wins: Callable[[Value, Value], Value]) -> Rule:
    """The larger or smaller of two, the first where they are equal, nan if one is nan."""

    def rule(a: Value, b: Value) -> Value:
        chosen = select(first_wins(b, a), b, a)
        return chosen if _is_number(b) else select(b.is_nan(), b, chosen)

    return rule


def _ignoring(first_wins: Callable[[Value, Value], Value]) -> Rule:
    """The larger or smaller of two; the other one if one is nan."""

    def rule(a: Value, b: Value) -> Value:
        return select(b.is_nan(), a, select(first_wins(a, b), a, b))

    return rule


def fmod(x: Value, y: Value) -> Value:
    """x - trunc(x / y) * y, exact; quotients too large for that go to the C library."""
    if x.writer.exact:
        return x.writer.emit(x.kind, f"frem {x.kind} {x.text}, {y.text}")
    rest, unfit = double.fmod(x.widen(), y.widen())
    x.writer.guards.append(unfit)
    return convert(rest, x.kind)


def _remainder(x: Value, y: Value) -> Value:
    rest = fmod(x, y)
    other_side = (rest < 0) ^ (y < 0)
    return select(rest.differs(0) & other_side, rest + y, rest)


def _floor_div(x: Value, y: Value) -> Value:
    """The floor of the exact quotient, which x / y can miss by rounding."""
    rest = fmod(x, y)
    quotient = (x - rest) / y
    other_side = (rest < 0) ^ (y < 0)
    quotient = select(rest.differs(0) & other_side, quotient - 1, quotient)
    floor = x.writer.intrinsic("floor", quotient)
    floor = select((quotient - floor) > 0.5, floor + 1, floor)
    floor = select(quotient.equals(0), copysign(x.same(0.0), x / y), floor)
    return select(y.equals(0), x / y, floor)


def _nextafter(x: Value, y: Value) -> Value:
    bits = x.bits()
    smallest = copysign(x.same(5e-324 if x.kind == "double" else 1.401298464324817e-45), y)
    outward = (x < y) ^ (x < 0)
    stepped = select(outward, bits + 1, bits - 1).convert("bitcast", x.kind)
    moved = select(x.equals(0), smallest, stepped)
    return select(x.compare("uno", "", y), x + y, select(x.equals(y), y, moved))


FLOATS: dict[str, Rule] = {
    "neg": lambda x: -x, "abs": absolute, "sign": _sign, "sgn": _sign,
    "imag": lambda x: x.same(0.0), "angle": _angle,
    "sqrt": sqrt, "rsqrt": lambda x: 1 / sqrt(x), "reciprocal": lambda x: 1 / x,
    "exp": m.exp, "exp2": m.exp2, "expm1": m.expm1, "log": m.log, "log2": m.log2,
    "log10": _in_double(double.log10), "log1p": m.log1p,
    "sin": _angle_function("sin", double.sin), "cos": _angle_function("cos", double.cos),
    "tan": _angle_function("tan", double.tan),
    "asin": _in_double(double.asin), "acos": _in_double(double.acos),
    "atan": _in_double(double.atan), "atan2": _in_double(double.atan2),
    "sinh": _in_double(double.sinh), "cosh": _in_double(double.cosh), "tanh": m.tanh,
    "asinh": _in_double(double.asinh), "acosh": _in_double(double.acosh),
    "atanh": _in_double(double.atanh), "hypot": _in_double(double.hypot),
    "erf": m.erf, "erfc": _in_double(double.erfc), "erfinv": _in_double(double.erfinv),
    "floor": _intrinsic("floor"), "ceil": _intrinsic("ceil"), "trunc": _intrinsic("trunc"),
    "round": _intrinsic("roundeven"),
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "pow": _power,
    "fmod": fmod, "remainder": _remainder, "floor_div": _floor_div,
    "trunc_div": lambda a, b: a.writer.intrinsic("trunc", a / b),
    "maximum": _propagating(lambda a, b: a > b), "minimum": _propagating(lambda a, b: a < b),
    "fmax": _ignoring(lambda a, b: a >= b), "fmin": _ignoring(lambda a, b: a <= b),
    "copysign": copysign, "nextafter": _nextafter,
    "eq": lambda a, b: a.equals(b), "ne": lambda a, b: a.differs(b), "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    "isnan": lambda x: x.is_nan(), "isinf": lambda x: absolute(x).equals(math.inf),
    "isfinite": lambda x: absolute(x) < math.inf, "signbit": lambda x: x.bits() < 0,
}
