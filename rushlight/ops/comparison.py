"""Comparisons and tests: what gives truth values."""

from __future__ import annotations

from typing import Any

from rushlight.base.errors import operands, type_name
from rushlight.expr import scalar as s
from rushlight.families.composite import composite
from rushlight.families.pointwise import pointwise
from rushlight.tensor import Tensor


@pointwise("eq Tensor.__eq__", result="bool")
def eq(input, other):
    """Whether input equals other, element by element.

    >>> import rushlight as rl
    >>> rl.tensor([1, 2]) == 2
    tensor([False,  True])
    """
    return s.eq(input, other)


@pointwise("ne not_equal Tensor.__ne__", result="bool")
def ne(input, other):
    """Whether input differs from other, element by element."""
    return s.ne(input, other)


@pointwise("lt less Tensor.__lt__", result="bool", refuse="complex")
def lt(input, other):
    """Whether input < other, element by element."""
    return input < other


@pointwise("le less_equal Tensor.__le__", result="bool", refuse="complex")
def le(input, other):
    """Whether input <= other, element by element."""
    return input <= other


@pointwise("gt greater Tensor.__gt__", result="bool", refuse="complex")
def gt(input, other):
    """Whether input > other, element by element."""
    return input > other


@pointwise("ge greater_equal Tensor.__ge__", result="bool", refuse="complex")
def ge(input, other):
    """Whether input >= other, element by element."""
    return input >= other


@pointwise("isnan", result="bool", inplace=False)
def isnan(input):
    """Whether an element is NaN (of complex numbers: either part).

    >>> import rushlight as rl
    >>> rl.isnan(rl.tensor([1., float("nan")]))
    tensor([False,  True])
    """
    return s.isnan(input)


@pointwise("isinf", result="bool", inplace=False)
def isinf(input):
    """Whether an element is infinite."""
    return s.isinf(input)


@pointwise("isfinite", result="bool", inplace=False)
def isfinite(input):
    """Whether an element is neither infinite nor NaN."""
    return s.isfinite(input)


@pointwise("isposinf", result="bool", refuse="complex", inplace=False)
def isposinf(input):
    """Whether an element is +infinity."""
    return s.bitwise_and(s.isinf(input), input > 0)


@pointwise("isneginf", result="bool", refuse="complex", inplace=False)
def isneginf(input):
    """Whether an element is -infinity."""
    return s.bitwise_and(s.isinf(input), input < 0)


@pointwise("signbit", result="bool", refuse="complex", inplace=False)
def signbit(input):
    """Whether the sign bit is set: negative numbers, and -0.0."""
    return s.signbit(input)


@pointwise("logical_and", result="bool", tensors="input other")
def logical_and(input, other):
    """Whether both are nonzero.

    >>> import rushlight as rl
    >>> rl.logical_and(rl.tensor([0, 2]), rl.tensor([1, 1]))
    tensor([False,  True])
    """
    return s.bitwise_and(s.nonzero(input), s.nonzero(other))


@pointwise("logical_or", result="bool", tensors="input other")
def logical_or(input, other):
    """Whether at least one is nonzero."""
    return s.bitwise_or(s.nonzero(input), s.nonzero(other))


@pointwise("logical_xor", result="bool", tensors="input other")
def logical_xor(input, other):
    """Whether exactly one is nonzero."""
    return s.bitwise_xor(s.nonzero(input), s.nonzero(other))


@pointwise("logical_not", result="bool")
def logical_not(input):
    """Whether an element is zero."""
    return s.bitwise_not(s.nonzero(input))


@pointwise("_isclose", result="bool", refuse="bool integer", inplace=False,
           samples=lambda x: [(x(2, 3), x(2, 3), {'equal_nan': True})])
def _isclose(input, other, rtol: Scalar = 1e-05, atol: Scalar = 1e-08, equal_nan: bool = False):
    """Whether |input - other| <= atol + rtol * |other|."""
    near = s.bitwise_and(s.isfinite(input - other),
                         s.abs(input - other) <= s.abs(atol + s.abs(rtol * other)))
    close = s.bitwise_or(s.eq(input, other), s.bitwise_and(near, s.isfinite(other)))
    if equal_nan:
        close = s.bitwise_or(close, s.bitwise_and(s.isnan(input), s.isnan(other)))
    return close


@composite("isclose", samples=lambda x: [(x(2, 3), x(2, 3)), (x.integers(3), x.integers(3))])
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08,
            equal_nan: bool = False) -> Tensor:
    """Whether |input - other| <= atol + rtol * |other|; infinities are close to themselves.

    Raises RuntimeError for different dtypes and negative tolerances.

    >>> import rushlight as rl
    >>> rl.isclose(rl.tensor([1., 2.]), rl.tensor([1., 2.1]))
    tensor([ True, False])
    """
    for i, (name, x) in enumerate((("input", input), ("other", other))):
        if not isinstance(x, Tensor):
            raise TypeError(f"isclose(): argument '{name}' (position {i + 1}) must be Tensor, not "
                            f"{type_name(x)}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.name} did not match {other.dtype.name}: "
                           f"isclose({operands(input=input, other=other)})")
    if input.dtype.category < 2:
        input, other = input.double(), other.double()
    return _isclose(input, other, float(rtol), float(atol), equal_nan)
