"""Further forms of arithmetic: one-sided clamps, nan_to_num, gcd, frexp, polygamma."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.host import zeta as host
from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands, type_name
from rushlight.base.promotion import promote_ranks
from rushlight.base.structure import structure
from rushlight.expr import scalar as s
from rushlight.families.broadcast import mismatch
from rushlight.families.cast import cast
from rushlight.families.composite import composite, in_place_form
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.families.node_names import called
from rushlight.families.pointwise import pointwise
from rushlight.ops.arithmetic import clamp, mul, pow
from rushlight.ops.joining import broadcast_tensors
from rushlight.tensor import Tensor

Option = Any


def _bound(op: str, input: Any, name: str, value: Any) -> Any:
    if value is None or not isinstance(input, Tensor):
        raise TypeError(f"{op}() received an invalid combination of arguments: input must be "
                        f"Tensor, {name} Tensor or Number: {operands(input=input, bound=value)}")
    return value


def _truths(input: Any, bound: Any) -> bool:
    """Whether both are tensors of truth values, which clamp itself refuses."""
    return (isinstance(bound, Tensor) and isinstance(input, Tensor)
            and input.dtype is bound.dtype is dtypes.bool_)


@composite("clamp_min", inplace=True, samples=lambda x: [(x(2, 3), 0.1), (x(2, 3), x(3))])
@called("ClampMin")
def clamp_min(input: Tensor, min: Any, *, out: Any = None) -> Tensor:
    """input, but nowhere less than `min`, a number or a tensor.

    >>> import rushlight as rl
    >>> rl.clamp_min(rl.tensor([1., 3.]), 2)
    tensor([2., 3.])
    """
    if _truths(input, min):
        return input.logical_or(min, out=out)  # type: ignore[attr-defined]
    return clamp(input, _bound("clamp_min", input, "min", min), None, out=out)


@composite("clamp_max", inplace=True, samples=lambda x: [(x(2, 3), 0.1), (x(2, 3), x(3))])
@called("ClampMax")
def clamp_max(input: Tensor, max: Any, *, out: Any = None) -> Tensor:
    """input, but nowhere more than `max`, a number or a tensor.

    >>> import rushlight as rl
    >>> rl.clamp_max(rl.tensor([1., 3.]), 2)
    tensor([1., 2.])
    """
    if _truths(input, max):
        return input.logical_and(max, out=out)  # type: ignore[attr-defined]
    return clamp(input, None, _bound("clamp_max", input, "max", max), out=out)


@composite("positive Tensor.__pos__")
def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for truth values."""
    if input.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input




@pointwise("_nan_to_num", inplace=False)
def _nan_to_num(input, nan: Scalar = 0.0, posinf: Scalar = 0.0, neginf: Scalar = 0.0):
    """NaN and the infinities replaced by numbers."""
    finite = s.where(s.isinf(input), s.where(input > 0, posinf, neginf), input)
    return s.where(s.isnan(input), nan, finite)


@composite("nan_to_num", out=True, inplace=True)
def nan_to_num(input: Any, nan: float | None = None, posinf: float | None = None,
               neginf: float | None = None) -> Tensor:
    """NaN and the infinities replaced: by 0 and the dtype's extremes, where not given.

    >>> import rushlight as rl
    >>> rl.nan_to_num(rl.tensor([float("nan"), float("inf")]), posinf=9.)
    tensor([0., 9.])
    """
    if input.dtype.category < 2:
        return input.clone()
    if input.dtype.is_complex:
        return nan_to_num(input.view_as_real(), nan, posinf, neginf).view_as_complex()
    least, most = _extremes(input.dtype)
    return _nan_to_num(input, 0.0 if nan is None else float(nan),
                       most if posinf is None else float(posinf),
                       least if neginf is None else float(neginf))


@cache
def _extremes(dtype: dtypes.dtype) -> tuple[float, float]:
    info = dtypes.finfo(dtype)
    return info.min, info.max


def _doubled(value: Any, complex_numbers: bool) -> Any:
    target = dtypes.complex128 if complex_numbers else dtypes.float64
    return cast(value, target.array) if isinstance(value, Tensor) else value


@composite("float_power", out=True, samples=lambda x: [
    (x(2, 3, low=0.5), 2), (x(2, 3, low=0.5), x(3))])
def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent in double precision.

    >>> import rushlight as rl
    >>> rl.float_power(rl.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    given = (input, exponent)
    wide = any(isinstance(x, complex) or (isinstance(x, Tensor) and x.dtype.is_complex)
               for x in given)
    return pow(*(_doubled(x, wide) for x in given))


@composite("float_power_", samples=lambda x: [(x(2, 3, low=0.5), 1.5)])
def float_power_(input: Tensor, exponent: Any) -> Tensor:
    """input ** exponent in place, for tensors of double precision."""
    wide = input.dtype.is_complex or isinstance(exponent, complex) or (
        isinstance(exponent, Tensor) and exponent.dtype.is_complex)
    target = dtypes.complex128 if wide else dtypes.float64
    if input.dtype is not target:
        raise RuntimeError(f"the base given to float_power_ has dtype {title(input.dtype)} but "
                           f"the operation's result requires dtype {title(target)}")
    return input.pow_(_doubled(exponent, wide))  # type: ignore[attr-defined]


@pointwise("_heaviside", refuse="complex", inplace=False,
           grad={"input": lambda: None, "values": lambda: None})
def _heaviside(input, values):
    """0 below zero, values at zero, 1 above."""
    return s.where(s.eq(input, 0), values, s.where(input > 0, 1, 0))


@composite("heaviside", out=True, inplace=True, samples=lambda x: [(x(2, 3), x(3))])
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """The step function: 0 below zero, `values` at zero, 1 above. No gradient flows.

    >>> import rushlight as rl
    >>> rl.heaviside(rl.tensor([-1., 0., 2.]), rl.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    _tensor("heaviside", "input", 1, input)
    _tensor("heaviside", "values", 2, values)
    if input.dtype.is_complex or values.dtype.is_complex:
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes: "
                           f"{operands(input=input, values=values)}")
    return _heaviside(input, values)


def _tensor(op: str, name: str, position: int, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{op}(): argument '{name}' (position {position}) must be Tensor, not "
                        f"{type_name(value)}")


@library("_gcd")
class _gcd:
    """Greatest common divisors."""

    def forward(input, other):
        return np.gcd(input, other, out=...)


@library("_lcm")
class _lcm:
    """Least common multiples."""

    def forward(input, other):
        return np.lcm(input, other, out=...)


def _of_integers(name: str, op: Any, input: Tensor, other: Any) -> Tensor:
    _tensor(name, "input", 1, input)
    _tensor(name, "other", 2, other)
    ranks: tuple[list, list] = ([], [])
    for x in (input, other):
        ranks[x.ndim == 0].append(x.dtype)
    common = promote_ranks(*ranks, [])
    if common.category != 1:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{title(common)}': "
                                  f"{operands(input=input, other=other)}")
    try:
        return op(cast(input, common.array), cast(other, common.array))
    except ValueError:
        raise mismatch(name, input=input, other=other) from None


@composite("gcd", out=True, inplace=True, samples=lambda x: [(x.integers(2, 3), x.integers(3))])
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of each pair of integers, not negative.

    >>> import rushlight as rl
    >>> rl.gcd(rl.tensor([12, 10]), rl.tensor([8, 5]))
    tensor([4, 5])
    """
    return _of_integers("gcd", _gcd, input, other)


@composite("lcm", out=True, inplace=True, samples=lambda x: [(x.integers(2, 3), x.integers(3))])
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of each pair of integers, not negative.

    >>> import rushlight as rl
    >>> rl.lcm(rl.tensor([4, 10]), rl.tensor([6, 5]))
    tensor([12, 10])
    """
    return _of_integers("lcm", _lcm, input, other)


@library("_ldexp")
class _ldexp:
    """input * 2**other for whole `other` of the same shape: exact where the result has a place."""

    def forward(input, other):
        if is_meta(input):
            return input.copy()
        wide = input.astype(np.float32) if input.dtype in dtypes.HALF_TYPES else input
        places = np.clip(other, -5000, 5000).astype(np.int32)
        return np.ldexp(wide, places, out=...).astype(input.dtype, copy=False)

    def backward(gradient, other):
        return _ldexp(gradient, other), None


@composite("ldexp", out=True, inplace=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2**other.

    >>> import rushlight as rl
    >>> rl.ldexp(rl.tensor([1., 3.]), rl.tensor([2, 3]))
    tensor([ 4., 24.])
    """
    _tensor("ldexp", "input", 1, input)
    _tensor("ldexp", "other", 2, other)
    if other.dtype.category > 1 or input.dtype.is_complex:
        return mul(input, pow(2.0, other))
    if input.dtype.category < 2:
        input = cast(input, dtypes.default_dtype().array)
    try:
        return _ldexp(*broadcast_tensors(input, other))
    except ValueError:
        raise mismatch("ldexp", input=input, other=other) from None


@library("_frexp")
class _frexp:
    """(mantissa, exponent)."""

    outputs = 2
    differentiable = (0,)
    structure = structure("frexp", "mantissa exponent")

    def forward(input):
        wide = input.astype(np.float32) if input.dtype == dtypes.bfloat16.array else input
        mantissa, exponent = np.frexp(wide, out=...)
        return mantissa.astype(input.dtype, copy=False), exponent.astype(np.int32, copy=False)

    def backward(gradient, output1):
        return gradient[0] / output1.to(gradient[0].dtype).exp2()


@composite("frexp")
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """(mantissa, exponent) with input = mantissa * 2**exponent, 0.5 <= |mantissa| < 1; int32.

    >>> import rushlight as rl
    >>> rl.frexp(rl.tensor([6.])).mantissa
    tensor([0.7500])
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes, not "
                           f"{input.dtype.name}")
    return _frexp(input, out=out)


@library("_polygamma")
class _polygamma:
    """The n-th derivative of digamma, n >= 1."""

    def forward(input, n: Option):
        if is_meta(input):
            return input.copy()
        return np.asarray(host.polygamma(n, input.astype(np.float64)), input.dtype)

    def backward(gradient, input, n):
        return gradient * _polygamma(input, n + 1)


def _derivative_of_digamma(n: int, input: Any) -> Any:
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n: it is {n}")
    if input.dtype.is_complex:
        raise NotImplementedError("\"polygamma\" not implemented for "
                                  f"'{title(input.dtype)}'")
    if input.dtype.category < 2:
        input = cast(input, dtypes.default_dtype().array)
    return input.digamma() if n == 0 else _polygamma(input, int(n))


@composite("special.polygamma polygamma", out=True, samples=lambda x: [
    (1, x(3, low=0.5)), (3, x(3, low=0.5))])
def polygamma(n: Any, input: Any = None) -> Tensor:
    """The n-th derivative of digamma, n = 0, 1, ...; the method takes n alone.

    >>> import rushlight as rl
    >>> rl.polygamma(1, rl.tensor([1.]))
    tensor([1.6449])
    """
    if isinstance(n, Tensor):  # the method: input.polygamma(n)
        n, input = input, n
    return _derivative_of_digamma(n, input)


def _of_itself(input: Tensor, n: int) -> Tensor:
    return _derivative_of_digamma(n, input)


@composite("Tensor.polygamma_", samples=lambda x: [(x(3, low=0.5), 2)])
def polygamma_(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma, in place."""
    return in_place_form(_of_itself, "polygamma_")(input, n)


@composite("mvlgamma special.multigammaln", out=True, inplace=True, samples=lambda x: [
    (x(3, low=1.5, high=4), 2)])
def mvlgamma(input: Any, p: int) -> Tensor:
    """log of the multivariate gamma function of dimension p.

    >>> import rushlight as rl
    >>> rl.mvlgamma(rl.tensor([3.]), 2)
    tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, but is {p}")
    if input.dtype.category < 2:
        input = cast(input, dtypes.default_dtype().array)
    total = sum(((input - j / 2).lgamma() for j in range(1, p)), input.lgamma())
    return total + p * (p - 1) / 4 * math.log(math.pi)
