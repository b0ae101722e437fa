"""Values of LLVM IR as Python objects: `a * b + 1` writes instructions and gives the result.

Everything written is free of side effects and of branches, so that LLVM's loop vectoriser can
turn a body into vector code; equal instructions are written once.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Format(NamedTuple):
    """A floating point type and what its bit patterns mean."""

    kind: str
    integer: str  # the integer type of the same width
    mantissa: int  # stored bits
    bias: int

    @property
    def magic(self) -> float:
        """Added to a number and taken off again, it rounds the number to an integer."""
        return 1.5 * 2.0**self.mantissa

    def bits(self, value: float) -> int:
        """The bit pattern of `value`, as a signed integer."""
        codes = ("<f", "<i") if self.kind == "float" else ("<d", "<q")
        return int(struct.unpack(codes[1], struct.pack(codes[0], value))[0])


FLOAT = Format("float", "i32", 23, 127)
DOUBLE = Format("double", "i64", 52, 1023)
FORMATS = {"float": FLOAT, "double": DOUBLE}
UNSIGNED = "u8"  # uint8 values: LLVM's i8, which does not know its sign


class Writer:
    """Collects the instructions of one function body.

    Fast forms of some functions hold for most operands only. They add to `guards` a truth value
    that says where they do not, and have a slower form, written when `exact` is set.
    """

    def __init__(self, exact: bool = False) -> None:
        self.exact = exact
        self.guards: list[Value] = []
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self._known: dict[str, Value] = {}

    def emit(self, kind: str, instruction: str) -> Value:
        """The result, of type `kind`, of an instruction."""
        key = f"{kind} {instruction}"
        found = self._known.get(key)
        if found is None:
            name = f"%t{len(self.lines)}"
            self.lines.append(f"{name} = {instruction}")
            found = self._known[key] = Value(self, kind, name)
        return found

    def constant(self, kind: str, value: float) -> Value:
        """A number of type `kind`, rounded to it."""
        if kind in FORMATS:
            if kind == "float":
                value = _round_to_float(value)
            pattern = struct.unpack("<Q", struct.pack("<d", value))[0]
            return Value(self, kind, f"0x{pattern:016X}")
        if kind == "i1":
            return Value(self, kind, "true" if value else "false")
        return Value(self, kind, str(int(value)))

    def intrinsic(self, name: str, *operands: Value, kind: str = "") -> Value:
        """A call of `llvm.name`, overloaded on the type of the first operand."""
        first = operands[0]
        suffix = {"float": "f32", "double": "f64", UNSIGNED: "i8"}.get(first.kind, first.kind)
        types = [spelling(x.kind) for x in operands]
        result = kind or first.kind
        symbol = f"@llvm.{name}.{suffix}"
        signature = f"declare {spelling(result)} {symbol}({', '.join(types)})\n"
        self.declarations[symbol] = signature
        arguments = ", ".join(f"{t} {x.text}" for t, x in zip(types, operands, strict=True))
        return self.emit(result, f"call {spelling(result)} {symbol}({arguments})")


def spelling(kind: str) -> str:
    """LLVM's name of a type."""
    return "i8" if kind == UNSIGNED else kind


def _round_to_float(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


Operand: TypeAlias = "Value | float | int"


class Value:
    """A typed operand; arithmetic with a Python number rounds the number to the type."""

    __slots__ = ("kind", "text", "writer")

    def __init__(self, writer: Writer, kind: str, text: str) -> None:
        self.writer, self.kind, self.text = writer, kind, text

    @property
    def floating(self) -> bool:
        return self.kind in FORMATS

    @property
    def is_constant(self) -> bool:
        return not self.text.startswith("%")

    def same(self, other: Operand) -> Value:
        """`other` as a value of this type."""
        return other if isinstance(other, Value) else self.writer.constant(self.kind, other)

    def _two(self, floating: str, integer: str, a: Operand, b: Operand) -> Value:
        operation = f"{floating if self.floating else integer} {spelling(self.kind)}"
        return self.writer.emit(self.kind, f"{operation} {self.same(a).text}, {self.same(b).text}")

    def __add__(self, other: Operand) -> Value: return self._two("fadd", "add", self, other)
    def __radd__(self, other: Operand) -> Value: return self._two("fadd", "add", other, self)
    def __sub__(self, other: Operand) -> Value: return self._two("fsub", "sub", self, other)
    def __rsub__(self, other: Operand) -> Value: return self._two("fsub", "sub", other, self)
    def __mul__(self, other: Operand) -> Value: return self._two("fmul", "mul", self, other)
    def __rmul__(self, other: Operand) -> Value: return self._two("fmul", "mul", other, self)
    def __truediv__(self, other: Operand) -> Value: return self._two("fdiv", "", self, other)
    def __rtruediv__(self, other: Operand) -> Value: return self._two("fdiv", "", other, self)
    def __and__(self, other: Operand) -> Value: return self._two("", "and", self, other)
    def __or__(self, other: Operand) -> Value: return self._two("", "or", self, other)
    def __xor__(self, other: Operand) -> Value: return self._two("", "xor", self, other)
    def __lshift__(self, other: Operand) -> Value: return self._two("", "shl", self, other)

    def __rshift__(self, other: Operand) -> Value:
        return self._two("", "lshr" if self.kind == UNSIGNED else "ashr", self, other)

    def __neg__(self) -> Value:
        if self.floating:
            return self.writer.emit(self.kind, f"fneg {self.kind} {self.text}")
        return 0 - self

    def __invert__(self) -> Value:
        return self ^ (1 if self.kind == "i1" else -1)

    def compare(self, floating: str, signed: str, other: Operand) -> Value:
        """A truth value; unordered comparisons of floats are named by their `u`."""
        if self.floating:
            operation = f"fcmp {floating}"
        else:
            unsigned = self.kind in (UNSIGNED, "i1")
            operation = f"icmp {signed.replace('s', 'u', 1) if unsigned else signed}"
        operands = f"{spelling(self.kind)} {self.text}, {self.same(other).text}"
        return self.writer.emit("i1", f"{operation} {operands}")

    def __lt__(self, other: Operand) -> Value: return self.compare("olt", "slt", other)
    def __le__(self, other: Operand) -> Value: return self.compare("ole", "sle", other)
    def __gt__(self, other: Operand) -> Value: return self.compare("ogt", "sgt", other)
    def __ge__(self, other: Operand) -> Value: return self.compare("oge", "sge", other)
    def equals(self, other: Operand) -> Value: return self.compare("oeq", "eq", other)
    def differs(self, other: Operand) -> Value: return self.compare("une", "ne", other)

    def is_nan(self) -> Value:
        return self.compare("uno", "", self)

    def convert(self, operation: str, kind: str) -> Value:
        """A conversion instruction of LLVM: `fpext`, `bitcast`, `sitofp`, ..."""
        return self.writer.emit(
            kind, f"{operation} {spelling(self.kind)} {self.text} to {spelling(kind)}")

    def bits(self) -> Value:
        """The bit pattern of a float, as an integer."""
        return self.convert("bitcast", FORMATS[self.kind].integer)

    def widen(self) -> Value:
        """A float as a double."""
        return self.convert("fpext", "double") if self.kind == "float" else self


def select(condition: Value, yes: Operand, no: Operand) -> Value:
    """`yes` where the condition holds, else `no`; at least one of them is a Value."""
    model = yes if isinstance(yes, Value) else no
    if not isinstance(model, Value):
        raise TypeError("select needs a Value to know its type by")
    kind = spelling(model.kind)
    yes, no = model.same(yes), model.same(no)
    return model.writer.emit(
        model.kind, f"select i1 {condition.text}, {kind} {yes.text}, {kind} {no.text}")


def fma(a: Value, b: Operand, c: Operand) -> Value:
    """a * b + c with one rounding."""
    return a.writer.intrinsic("fma", a, a.same(b), a.same(c))


def muladd(a: Value, b: Operand, c: Operand) -> Value:
    """a * b + c, with one rounding where the CPU does that in one instruction."""
    return a.writer.intrinsic("fmuladd", a, a.same(b), a.same(c))


def absolute(x: Value) -> Value:
    """|x| of a float."""
    return x.writer.intrinsic("fabs", x)


def copysign(x: Value, sign: Operand) -> Value:
    """The size of x with the sign bit of `sign`."""
    return x.writer.intrinsic("copysign", x, x.same(sign))


def sqrt(x: Value) -> Value:
    """The square root, correctly rounded."""
    return x.writer.intrinsic("sqrt", x)


def at_most(x: Value, limit: float) -> Value:
    """The smaller of x and a limit; nan stays nan."""
    return select(x > limit, limit, x)


def at_least(x: Value, limit: float) -> Value:
    """The larger of x and a limit; nan stays nan."""
    return select(x < limit, limit, x)


def polynomial(x: Value, coefficients: tuple[float, ...]) -> Value:
    """c0 + c1 x + c2 x^2 + ..., by Horner's rule."""
    return horner(x, [x.same(c) for c in coefficients])


def horner(x: Value, coefficients: Sequence[Value]) -> Value:
    """The polynomial with coefficients that are values."""
    *rest, result = coefficients
    for c in reversed(rest):
        result = muladd(result, x, c)
    return result
