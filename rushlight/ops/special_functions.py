"""Special functions beyond the primitives: of normal and gamma distributions, Bessel, zeta."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.host import bessel, incomplete_gamma, normal
from rushlight.backends.host import zeta as host_zeta
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import type_name
from rushlight.base.promotion import of_number, promote_ranks
from rushlight.base.shapes import broadcast_shapes
from rushlight.expr import scalar as s
from rushlight.families.cast import cast
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title
from rushlight.families.kernels import number
from rushlight.families.library import library
from rushlight.families.pointwise import pointwise
from rushlight.tensor import Tensor, wrap

Array = np.ndarray
Option = Any

SQRT_1_2 = math.sqrt(0.5)


@pointwise("special.i0e", promote="floating", refuse="complex")
def i0e(input):
    """e**-|x| times the modified Bessel function of the first kind and order 0."""
    return s.i0e(input)


@pointwise("special.i1 special.modified_bessel_i1", promote="floating", refuse="complex")
def i1(input):
    """The modified Bessel function of the first kind and order 1."""
    return s.i1(input)


@pointwise("special.i1e", promote="floating", refuse="complex")
def i1e(input):
    """e**-|x| times the modified Bessel function of the first kind and order 1."""
    return s.i1e(input)


@pointwise("special.modified_bessel_i0", promote="floating", refuse="complex")
def modified_bessel_i0(input):
    """The modified Bessel function of the first kind and order 0."""
    return s.i0(input)


@pointwise("special.entr", promote="floating", refuse="complex", domain=(0.2, 3),
           grad=lambda gradient, input: gradient * (-s.log(input) - 1))
def entr(input):
    """-x log(x); 0 at 0, -inf below.

    >>> import rushlight as rl
    >>> rl.special.entr(rl.tensor([1., 0.]))
    tensor([-0., 0.])
    """
    value = s.where(s.eq(input, 0), 0, -input * s.log(input))
    return s.where(input < 0, -math.inf, value)


@pointwise("special.xlog1py", promote="floating", refuse="complex", tensors="",
           domain=((-2, 2), (-0.8, 3)))
def xlog1py(input, other):
    """input * log(1 + other), and 0 where input is 0.

    >>> import rushlight as rl
    >>> rl.special.xlog1py(rl.tensor([0., 1.]), rl.tensor([-1., 0.]))
    tensor([0., 0.])
    """
    nothing = s.bitwise_and(s.eq(input, 0), s.bitwise_not(s.isnan(other)))
    return s.where(nothing, 0, input * s.log1p(s.where(nothing, 0, other)))


@pointwise("special.ndtr", promote="floating", refuse="complex")
def ndtr(input):
    """The probability that a standard normal variable lies below x.

    >>> import rushlight as rl
    >>> rl.special.ndtr(rl.tensor([0., 1.]))
    tensor([0.5000, 0.8413])
    """
    return 0.5 * s.erfc(input * -SQRT_1_2)


def _prepared(name: str, input: Any) -> Any:
    """`input` as float32 or float64."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type_name(input)}")
    half = input.dtype.is_floating_point and input.dtype.itemsize == 2
    if input.dtype.is_complex or half:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{title(input.dtype)}'; "
                                  "convert it with .float()")
    if input.dtype.category < 2:
        return cast(input, dtypes.default_dtype().array)
    return input


def _of_host(values: Callable[[Array], Array], slope: Callable | None = None) -> Any:
    """A library op that applies `values`; slope: the derivative, of (input, output) tensors."""

    class apply:
        """A function of each element, by NumPy in double precision."""

        def forward(input):
            if is_meta(input):
                return input.copy()
            return np.asarray(values(input)).astype(input.dtype)

    if slope is not None:
        apply.backward = lambda gradient, input, output: gradient * slope(input, output)
    return library("")(apply)


def _declare(name: str, values: Callable[[Array], Array], meaning: str,
             slope: Callable | None = None) -> Any:
    apply = _of_host(values, slope)

    def body(input: Any) -> Tensor:
        return apply(_prepared(name, input))

    body.__name__ = body.__qualname__ = name
    body.__doc__ = meaning
    return function(f"special.{name}", out=True)(body)


erfcx = _declare("erfcx", normal.erfcx, "e**(x**2) erfc(x): what is left of erfc far from zero.",
                 lambda x, y: 2 * x * y - 2 / math.sqrt(math.pi))
ndtri = _declare("ndtri", normal.ndtri, "The x below which a standard normal variable lies with "
                 "the given probability (Wichura, 1988).",
                 lambda x, y: math.sqrt(2 * math.pi) * (y * y / 2).exp())
log_ndtr = _declare("log_ndtr", normal.log_ndtr, "The logarithm of ndtr, exact far below zero.",
                    lambda x, y: 1 / erfcx(-SQRT_1_2 * x) * math.sqrt(2 / math.pi))

for _name, _values, _meaning in (
    ("bessel_j0", bessel.j0, "The Bessel function of the first kind and order 0."),
    ("bessel_j1", bessel.j1, "The Bessel function of the first kind and order 1."),
    ("bessel_y0", bessel.y0, "The Bessel function of the second kind and order 0; NaN below 0."),
    ("bessel_y1", bessel.y1, "The Bessel function of the second kind and order 1; NaN below 0."),
    ("modified_bessel_k0", bessel.k0, "The modified Bessel function of the second kind, order 0."),
    ("modified_bessel_k1", bessel.k1, "The modified Bessel function of the second kind, order 1."),
    ("scaled_modified_bessel_k0", bessel.scaled_k0, "e**x times modified_bessel_k0."),
    ("scaled_modified_bessel_k1", bessel.scaled_k1, "e**x times modified_bessel_k1."),
    ("spherical_bessel_j0", bessel.spherical_j0, "sin(x) / x."),
    ("airy_ai", bessel.airy_ai, "The Airy function Ai."),
):
    globals()[_name] = _declare(_name, _values, f"{_meaning} No gradient flows.")


# ---- of two arguments ------------------------------------------------------------------------


def pair(name: str, input: Any, other: Any, strict: bool = False) -> tuple[Any, Any]:
    """Two tensors or numbers as tensors of one floating dtype.

    strict: refuse numbers and integers, as torch does.
    """
    given = (input, other)
    tensors = [x for x in given if isinstance(x, Tensor)]
    if len(tensors) < 1 + strict:
        word, at = ("other", 2) if isinstance(input, Tensor) else ("input", 1)
        raise TypeError(f"{name}(): argument '{word}' (position {at}) must be Tensor, not "
                        f"{type_name(given[at - 1])}")
    common = promote_ranks([t.dtype for t in tensors if t.ndim],
                           [t.dtype for t in tensors if not t.ndim],
                           [of_number(x) for x in given if not isinstance(x, Tensor)])
    refused = common.is_complex or (common.itemsize == 2 and common.is_floating_point)
    if refused or (strict and common.category < 2):
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{title(common)}'; convert "
                                  "with .float()")
    kind = dtypes.default_dtype().array if common.category < 2 else common.array
    a, b = (cast(x, kind) if isinstance(x, Tensor) else wrap(number(x, kind)) for x in given)
    return a, b


def of_two(values: Callable[[Array, Array], Array], *arrays: Array) -> Array:
    """`values` of two arrays, in their dtype."""
    first = arrays[0]
    if any(is_meta(a) for a in arrays):
        return MetaArray(broadcast_shapes([a.shape for a in arrays]), first.dtype)
    broadcast_shapes([a.shape for a in arrays])  # its error names the dimension
    return np.asarray(values(*arrays)).astype(first.dtype)


@library("_zeta")
class _zeta:
    """The Hurwitz zeta function."""

    def forward(input, other):
        return of_two(host_zeta.zeta, input, other)

    def backward(gradient, input, other, needs):
        if needs[0]:
            raise NotImplementedError("the derivative for 'zeta' is not implemented: detach() "
                                      "the first argument")
        return None, (-gradient * input * _zeta(input + 1, other)).sum_to_size(other.shape)


@function("special.zeta", out=True)
def zeta(input: Any, other: Any) -> Tensor:
    """The Hurwitz zeta function: the sum over k >= 0 of (other + k)**-input.

    >>> import rushlight as rl
    >>> rl.special.zeta(rl.tensor([2.]), 1)
    tensor([1.6449])
    """
    return _zeta(*pair("zeta", input, other))


def _incomplete(name: str, upper: bool) -> Any:
    sign = -1 if upper else 1

    class apply:
        """An incomplete gamma function."""

        def forward(input, other):
            return of_two(lambda a, x: incomplete_gamma.gammainc(a, x, upper), input, other)

        def backward(gradient, input, other, needs):
            if needs[0]:
                raise NotImplementedError(f"the derivative for '{name}: input' is not "
                                          "implemented: detach() the first argument")
            slope = ((input - 1) * other.log() - other - input.lgamma()).exp()
            return None, (sign * gradient * slope).sum_to_size(other.shape)

    return library("")(apply)


_lower, _upper = _incomplete("igamma", False), _incomplete("igammac", True)


def _of_pair(name: str, function: Any, input: Any, other: Any) -> Tensor:
    """A function of two floating tensors; of half types it is computed in float32."""
    own = getattr(input, "dtype", None)
    if own in (dtypes.float16, dtypes.bfloat16) and getattr(other, "dtype", None) is own:
        return function(*pair(name, input.float(), other.float(), strict=True)).to(own)
    return function(*pair(name, input, other, strict=True))


@composite("igamma special.gammainc", out=True, inplace=True)
def igamma(input: Any, other: Any) -> Tensor:
    """The share of the gamma function of `input` that lies below `other`; gradients for `other`.

    >>> import rushlight as rl
    >>> rl.igamma(rl.tensor([1.]), rl.tensor([2.]))
    tensor([0.8647])
    """
    return _of_pair("igamma", _lower, input, other)


@composite("igammac special.gammaincc", out=True, inplace=True)
def igammac(input: Any, other: Any) -> Tensor:
    """The share of the gamma function of `input` that lies above `other`: 1 - igamma.

    >>> import rushlight as rl
    >>> rl.igammac(rl.tensor([1.]), rl.tensor([2.]))
    tensor([0.1353])
    """
    return _of_pair("igammac", _upper, input, other)
