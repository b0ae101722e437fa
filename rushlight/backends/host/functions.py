"""The NumPy function of every primitive of `expr/primitives.py`, with torch's corner cases.

NumPy's own ufunc stands in the table wherever its results are torch's. The others differ in a
corner that the function's docstring names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from rushlight.backends.host import special, zeta

Array: TypeAlias = Any  # an np.ndarray; NumPy's stubs know little more of most results


def sign(x: Array) -> Array:
    """-1, 0 or 1, and 0 for nan, where NumPy gives nan."""
    if x.dtype == np.bool_:
        return x
    return np.subtract(np.greater(x, 0), np.less(x, 0), dtype=x.dtype, casting="unsafe")


def sgn(z: Array) -> Array:
    """z / |z|, and 0 at 0; `sign` for real numbers."""
    if z.dtype.kind != "c":
        return sign(z)
    size = np.abs(z)
    return np.where(size == 0, z.dtype.type(0), z / size)


def angle(z: Array) -> Array:
    """The argument of a complex number; 0 or pi for a real one, 0 at -0.0 where NumPy gives pi."""
    if z.dtype.kind == "c":
        return np.arctan2(z.imag, z.real)
    below = np.where(z < 0, z.dtype.type(math.pi), z.dtype.type(0))
    return np.where(np.isnan(z), z, below)


def real(z: Array) -> Array:
    """The real part, in memory of its own."""
    return np.array(z.real)


def imag(z: Array) -> Array:
    """The imaginary part, in memory of its own."""
    return np.array(z.imag)


def reciprocal(x: Array) -> Array:
    """1 / x; NumPy's own gives another kind of nan at a complex zero."""
    return np.divide(x.dtype.type(1), x)


def rsqrt(x: Array) -> Array:
    """1 / sqrt(x)."""
    return np.divide(x.dtype.type(1), np.sqrt(x))


def round_to_even(x: Array) -> Array:
    """The nearest integer, halves to the even one; integers stay what they are."""
    return np.rint(x) if x.dtype.kind in "fc" else np.array(x)


def power(x: Array, y: Array) -> Array:
    """x ** y; integers to negative powers give 0 unless the base is 1 or -1, as torch's do."""
    if y.dtype.kind != "i":
        return np.power(x, y)
    odd = np.bitwise_and(y, 1) == 1
    unit = np.where(np.abs(x) == 1, np.where((x == -1) & ~odd, -x, x), 0).astype(x.dtype)
    return np.where(y < 0, unit, np.power(x, np.maximum(y, 0)))


def remainder(x: Array, y: Array) -> Array:
    """x - floor(x / y) * y; a zero keeps the sign of x, where NumPy gives it the sign of y."""
    if x.dtype.kind != "f":
        return np.remainder(x, y)
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def trunc_div(x: Array, y: Array) -> Array:
    """x / y rounded to zero; for integers without the detour over floating point."""
    if x.dtype.kind == "f":
        return np.trunc(x / y)
    quotient = np.floor_divide(x, y)
    inexact = (quotient < 0) & (quotient * y != x)
    return np.add(quotient, inexact, dtype=quotient.dtype)


def nonzero(x: Array) -> Array:
    """Whether x is a truth: not zero, nan included."""
    return np.not_equal(x, x.dtype.type(0))


def fresh(x: Array) -> Array:
    """x in memory of its own: what `cast` is where there is nothing to convert."""
    return np.array(x)


def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of digamma; n is one whole number above 0."""
    order = float(np.asarray(n).flat[0]) if np.size(n) else 1.0
    shape = np.broadcast_shapes(np.shape(n), np.shape(x))
    if order < 1 or not order.is_integer():
        return np.full(shape, np.nan, x.dtype)
    return np.broadcast_to(zeta.polygamma(int(order), x.astype(np.float64)), shape).astype(x.dtype)


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "neg": np.negative, "abs": np.absolute, "sign": sign, "sgn": sgn, "conj": np.conjugate,
    "real": real, "imag": imag, "angle": angle, "sqrt": np.sqrt, "rsqrt": rsqrt,
    "reciprocal": reciprocal,
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p,
    "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "erf": special.erf, "erfc": special.erfc, "erfinv": special.erfinv,
    "lgamma": special.lgamma, "digamma": special.digamma, "trigamma": special.trigamma,
    "i0": special.i0, "i0e": special.i0e, "i1": special.i1, "i1e": special.i1e,
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": round_to_even,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": power,
    "fmod": np.fmod, "remainder": remainder, "floor_div": np.floor_divide,
    "trunc_div": trunc_div,
    "maximum": np.maximum, "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin,
    "atan2": np.arctan2, "hypot": np.hypot, "copysign": np.copysign, "nextafter": np.nextafter,
    "shift_left": np.left_shift, "shift_right": np.right_shift, "polygamma": polygamma,
    "bitwise_not": np.invert, "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit,
    "where": np.where, "cast": fresh, "nonzero": nonzero,
}
