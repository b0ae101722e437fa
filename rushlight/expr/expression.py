"""Expressions: an interned graph of scalar primitives over symbols and constants.

Two expressions that mean the same calls on the same operands are the same object, so a kernel
can be looked up by the expression itself. An expression does not know its dtype: it is
specialised to one when a backend evaluates or compiles it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, Union

from rushlight.expr.primitives import PRIMITIVES, Primitive

Scalar = Union["Expression", int, float, complex, bool]

_interned: dict[tuple[Any, ...], Expression] = {}
_numbers = itertools.count()


class Expression:
    """A symbol, a constant, or a primitive applied to operands."""

    __slots__ = ("__weakref__", "boolean", "name", "number", "operands", "value")

    name: str  # "symbol", "constant" or the name of a primitive
    operands: tuple[Expression, ...]
    value: object  # a symbol's name, a constant's number
    boolean: bool  # a truth value rather than a number
    number: int  # order of creation: operands come before what uses them

    def __bool__(self) -> bool:
        raise TypeError(
            "a traced value has no truth value yet: the body of an op is traced once, before any "
            "data exists. Use where(condition, a, b) instead of if"
        )

    def __repr__(self) -> str:
        if self.name in ("symbol", "constant"):
            return str(self.value)
        return f"{self.name}({', '.join(map(repr, self.operands))})"

    def __add__(self, other: Scalar) -> Expression: return call("add", self, other)
    def __radd__(self, other: Scalar) -> Expression: return call("add", other, self)
    def __sub__(self, other: Scalar) -> Expression: return call("sub", self, other)
    def __rsub__(self, other: Scalar) -> Expression: return call("sub", other, self)
    def __mul__(self, other: Scalar) -> Expression: return call("mul", self, other)
    def __rmul__(self, other: Scalar) -> Expression: return call("mul", other, self)
    def __truediv__(self, other: Scalar) -> Expression: return call("div", self, other)
    def __rtruediv__(self, other: Scalar) -> Expression: return call("div", other, self)
    def __pow__(self, other: Scalar) -> Expression: return call("pow", self, other)
    def __rpow__(self, other: Scalar) -> Expression: return call("pow", other, self)
    def __neg__(self) -> Expression: return call("neg", self)
    def __lt__(self, other: Scalar) -> Expression: return call("lt", self, other)
    def __le__(self, other: Scalar) -> Expression: return call("le", self, other)
    def __gt__(self, other: Scalar) -> Expression: return call("gt", self, other)
    def __ge__(self, other: Scalar) -> Expression: return call("ge", self, other)
    def __and__(self, other: Scalar) -> Expression: return call("bitwise_and", self, other)
    def __or__(self, other: Scalar) -> Expression: return call("bitwise_or", self, other)
    def __xor__(self, other: Scalar) -> Expression: return call("bitwise_xor", self, other)
    def __invert__(self) -> Expression: return call("bitwise_not", self)


def _intern(name: str, operands: tuple[Any, ...], value: object, boolean: bool) -> Expression:
    key = (name, tuple(map(id, operands)), type(value), _exact(value))
    found = _interned.get(key)
    if found is None:
        found = Expression.__new__(Expression)
        found.name, found.operands, found.value = name, operands, value
        found.boolean, found.number = boolean, next(_numbers)
        _interned[key] = found
    return found


def _exact(value: object) -> object:
    """A key that tells -0.0 from 0.0 and finds nan again."""
    return repr(value) if isinstance(value, (float, complex)) else value


def symbol(name: str, boolean: bool = False) -> Expression:
    """An input of the kernel; the same name is the same symbol."""
    return _intern("symbol", (), name, boolean)


def constant(value: int | float | complex | bool) -> Expression:
    """A number known while tracing."""
    return _intern("constant", (), value, isinstance(value, bool))


def lift(value: Scalar) -> Expression:
    """`value` as an expression."""
    return value if isinstance(value, Expression) else constant(value)


def call(name: str, *operands: Scalar) -> Expression:
    """The primitive `name` applied to operands, simplified where the result is bit-identical."""
    primitive = PRIMITIVES[name]
    lifted = tuple(map(lift, operands))
    if len(lifted) != primitive.arity:
        raise TypeError(f"{name} takes {primitive.arity} operands, got {len(lifted)}")
    if not primitive.takes_boolean:
        lifted = tuple(_number(x) for x in lifted)
    simple = _simplify(name, lifted)
    if simple is not None:
        return simple
    return _intern(name, lifted, None, _is_boolean(primitive, lifted))


def _number(x: Expression) -> Expression:
    """A truth value used in arithmetic counts as 0 or 1."""
    return _intern("cast", (x,), None, False) if x.boolean else x


def _is_boolean(primitive: Primitive, operands: tuple[Expression, ...]) -> bool:
    if primitive.result == "boolean":
        return True
    if primitive.result == "as operand":
        return operands[-1].boolean
    return False


def _is(x: Expression, value: float) -> bool:
    return x.name == "constant" and not x.boolean and x.value == value


def _simplify(name: str, operands: tuple[Expression, ...]) -> Expression | None:
    if name == "mul":
        for one, other in (operands, operands[::-1]):
            if _is(one, 1):
                return other
    if name == "div" and _is(operands[1], 1):
        return operands[0]
    if name == "neg" and operands[0].name == "neg":
        return operands[0].operands[0]
    if name == "conj" and operands[0].name == "conj":
        return operands[0].operands[0]
    if name == "pow" and operands[1].name == "constant":
        return _power(*operands)
    if name == "neg" and operands[0].name == "constant":
        return constant(-operands[0].value)  # type: ignore[operator]
    if name in ("add", "sub", "mul") and all(x.name == "constant" for x in operands):
        a, b = (x.value for x in operands)
        return constant({"add": a + b, "sub": a - b, "mul": a * b}[name])  # type: ignore
    if name == "eq" and all(x.name == "constant" for x in operands):
        return constant(operands[0].value == operands[1].value)
    if name == "where" and operands[0].name == "constant":
        return operands[1] if operands[0].value else operands[2]
    return None


def _power(base: Expression, exponent: Expression) -> Expression | None:
    """Small powers as products, quotients and roots: far cheaper than pow."""
    if _is(exponent, 1):
        return base
    if _is(exponent, 2):
        return call("mul", base, base)
    if _is(exponent, 3):
        return call("mul", call("mul", base, base), base)
    if _is(exponent, 0.5):
        return call("sqrt", base)
    if _is(exponent, 0):
        return constant(1)
    if _is(exponent, -0.5):
        return call("rsqrt", base)
    if _is(exponent, -1):
        return call("reciprocal", base)
    if _is(exponent, -2):
        return call("reciprocal", call("mul", base, base))
    return None


def walk(roots: Iterable[Expression]) -> list[Expression]:
    """Every expression below the roots, once, operands before what uses them."""
    seen: dict[int, Expression] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            stack.extend(node.operands)
    return sorted(seen.values(), key=lambda node: node.number)


def symbols(roots: Iterable[Expression]) -> list[str]:
    """Names of the symbols that the roots depend on."""
    return [str(node.value) for node in walk(roots) if node.name == "symbol"]


def substitute(root: Expression, table: dict[Expression, Expression]) -> Expression:
    """`root` with every occurrence of a key of `table` replaced by its value."""
    done: dict[int, Expression] = {id(k): v for k, v in table.items()}
    for node in _needed(root, done):
        operands = tuple(done[id(x)] for x in node.operands)
        same = all(a is b for a, b in zip(operands, node.operands, strict=True))
        done[id(node)] = node if same else call(node.name, *operands)
    return done[id(root)]


def _needed(root: Expression, done: dict[int, Expression]) -> Iterator[Expression]:
    seen: dict[int, Expression] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) not in seen and id(node) not in done:
            seen[id(node)] = node
            stack.extend(node.operands)
    yield from sorted(seen.values(), key=lambda node: node.number)


def specialise(root: Expression, complex_numbers: bool) -> Expression:
    """`root` for real numbers: conjugation is the identity there, and sgn is flat."""
    if complex_numbers:
        return root
    table: dict[Expression, Expression] = {}
    for node in walk([root]):
        if node.name in ("conj", "real"):
            table[node] = substitute(node.operands[0], table)
        elif node.name == "sgn":
            table[node] = call("sign", substitute(node.operands[0], table))
        elif node.operands:
            new = substitute(node, table)
            if new is not node:
                table[node] = new
    return table.get(root, root)


def is_finite_constant(x: Expression) -> bool:
    """Whether `x` is a finite number known while tracing."""
    return x.name == "constant" and not isinstance(x.value, complex) and math.isfinite(
        x.value)  # type: ignore[arg-type]
