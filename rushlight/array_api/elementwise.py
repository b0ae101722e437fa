"""Functions of each element, under the standard's names and promotion.

In torch a 0-d tensor does not raise the type of one with dimensions; in the standard it does, so
functions of two operands convert both first. Python numbers are weak in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.array_api.data_types import result_type
from rushlight.ops import (
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    conj,
    cos,
    cosh,
    exp,
    expm1,
    isfinite,
    isinf,
    isnan,
    log,
    log1p,
    log2,
    log10,
    logical_not,
    negative,
    positive,
    real,
    reciprocal,
    signbit,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
)
from rushlight.ops import bitwise_not as bitwise_invert
from rushlight.ops import sgn as sign
from rushlight.tensor import Tensor


def promoted(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Two operands, tensors in their common type."""
    if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype is not x2.dtype:
        common = result_type(x1, x2)
        return x1.to(common), x2.to(common)
    return x1, x2


def _of_two(name: str) -> Callable[[Any, Any], Tensor]:
    computed: Any = getattr(ops, name)

    def function(x1: Any, x2: Any, /) -> Tensor:
        x1, x2 = promoted(x1, x2)
        if not isinstance(x1, Tensor):
            x1 = ops.scalar_tensor(x1, dtype=result_type(x1, x2))
        elif not isinstance(x2, Tensor) and not isinstance(x2, int | float | complex):
            raise TypeError(f"{name}: expected a tensor or a number, got {type(x2).__name__}")
        elif not isinstance(x2, Tensor):
            x2 = ops.scalar_tensor(x2, dtype=result_type(x1, x2))
        return computed(*promoted(x1, x2))

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"{name}(x1, x2) element by element, after promotion to a common type."
    return function


add, subtract, multiply, divide = map(_of_two, ("add", "subtract", "multiply", "true_divide"))
floor_divide, remainder, pow = map(_of_two, ("floor_divide", "remainder", "pow"))
atan2, copysign, hypot, logaddexp = map(_of_two, ("atan2", "copysign", "hypot", "logaddexp"))
nextafter, maximum, minimum = map(_of_two, ("nextafter", "maximum", "minimum"))
equal, not_equal = _of_two("eq"), _of_two("not_equal")
greater, greater_equal = _of_two("greater"), _of_two("greater_equal")
less, less_equal = _of_two("less"), _of_two("less_equal")
logical_and, logical_or, logical_xor = map(_of_two, ("logical_and", "logical_or", "logical_xor"))
bitwise_and, bitwise_or, bitwise_xor = map(_of_two, ("bitwise_and", "bitwise_or", "bitwise_xor"))
bitwise_left_shift = _of_two("bitwise_left_shift")
bitwise_right_shift = _of_two("bitwise_right_shift")


def _whole(name: str) -> Callable[[Tensor], Tensor]:
    computed: Any = getattr(ops, name)

    def function(x: Tensor, /) -> Tensor:
        return x.clone() if x.dtype.category < 2 else computed(x)

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"{name}(x) element by element; integers are whole already."
    return function


ceil, floor, trunc = map(_whole, ("ceil", "floor", "trunc"))


def round(x: Tensor, /) -> Tensor:
    """The nearest integer, halves to the even one; complex numbers part by part."""
    if x.dtype.is_complex:
        return ops.complex(ops.round(ops.real(x)), ops.round(ops.imag(x)))
    return x.clone() if x.dtype.category < 2 else ops.round(x)


def imag(x: Tensor, /) -> Tensor:
    """The imaginary part of complex numbers."""
    return ops.imag(x)


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """`x` kept between `min` and `max`, in the type of `x`; None is no bound."""
    for bound, limited in ((min, ops.maximum), (max, ops.minimum)):
        if bound is None:
            continue
        if isinstance(bound, Tensor):
            common = result_type(x, bound)
            x = limited(x.to(common), bound.to(common)).to(x.dtype)
        else:
            x = limited(x, ops.scalar_tensor(bound, dtype=result_type(x, bound))).to(x.dtype)
    return x.clone() if min is None and max is None else x


def where(condition: Tensor, x1: Any, x2: Any, /) -> Tensor:
    """x1 where `condition` holds, else x2, in their common type."""
    return ops.where(condition, *promoted(x1, x2))


__all__ = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "ceil", "clip", "conj", "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1", "floor",
    "floor_divide", "greater", "greater_equal", "hypot", "imag", "isfinite", "isinf", "isnan",
    "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative",
    "nextafter", "not_equal", "positive", "pow", "promoted", "real", "reciprocal", "remainder",
    "round", "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh",
    "trunc", "where",
]
