"""The closed set of scalar primitives: all that a backend must be able to compute.

A primitive is a name, an arity and what kind of value it gives. Its derivative stands in
`derivative.py`, its NumPy function in `backends/host/scalar.py`, its LLVM lowering in
`backends/cpu/lower.py`; a test holds the tables equal.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Primitive:
    """A scalar function known to every backend."""

    name: str
    arity: int
    result: str  # "number", "boolean" or "as operand" (as the last operand)
    takes_boolean: bool = False  # operands that are truth values stay so


def _declare(result: str, arity: int, names: str, takes_boolean: bool = False) -> None:
    for name in names.split():
        PRIMITIVES[name] = Primitive(name, arity, result, takes_boolean)


PRIMITIVES: dict[str, Primitive] = {}

_declare("number", 1, "neg abs sign sgn conj real imag angle sqrt rsqrt reciprocal")
_declare("number", 1, "exp exp2 expm1 log log2 log10 log1p")
_declare("number", 1, "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh")
_declare("number", 1, "erf erfc erfinv lgamma digamma trigamma i0 i0e i1 i1e")
_declare("number", 1, "floor ceil trunc round")
_declare("number", 2, "add sub mul div pow fmod remainder floor_div trunc_div")
_declare("number", 2, "maximum minimum fmax fmin atan2 hypot copysign nextafter")
_declare("number", 2, "shift_left shift_right polygamma")
_declare("as operand", 1, "bitwise_not", takes_boolean=True)
_declare("as operand", 2, "bitwise_and bitwise_or bitwise_xor", takes_boolean=True)
_declare("boolean", 2, "eq ne lt le gt ge")
_declare("boolean", 1, "isnan isinf isfinite signbit")
_declare("as operand", 3, "where", takes_boolean=True)
_declare("number", 1, "cast", takes_boolean=True)  # a truth value as 0 or 1
_declare("boolean", 1, "nonzero", takes_boolean=True)  # a number as a truth value
