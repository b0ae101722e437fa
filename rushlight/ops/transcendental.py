"""Exponentials, logarithms, trigonometry, and the special functions among the primitives."""

from __future__ import annotations

import math

from rushlight.expr import scalar as s
from rushlight.families.pointwise import pointwise


@pointwise("exp", promote="floating")
def exp(input):
    """e**input.

    >>> import rushlight as rl
    >>> rl.exp(rl.tensor([0., 1.]))
    tensor([1.0000, 2.7183])
    """
    return s.exp(input)


@pointwise("exp2 special.exp2", promote="floating")
def exp2(input):
    """2**input."""
    return s.exp2(input)


@pointwise("expm1 special.expm1", promote="floating")
def expm1(input):
    """e**input - 1, exact for small input."""
    return s.expm1(input)


@pointwise("log", promote="floating", domain=(0.2, 3))
def log(input):
    """The natural logarithm.

    >>> import rushlight as rl
    >>> rl.log(rl.tensor([1., 10.]))
    tensor([0.0000, 2.3026])
    """
    return s.log(input)


@pointwise("log2", promote="floating", domain=(0.2, 3))
def log2(input):
    """The logarithm to base 2."""
    return s.log2(input)


@pointwise("log10", promote="floating", domain=(0.2, 3))
def log10(input):
    """The logarithm to base 10."""
    return s.log10(input)


@pointwise("log1p special.log1p", promote="floating", domain=(-0.8, 3))
def log1p(input):
    """log(1 + input), exact for small input."""
    return s.log1p(input)


@pointwise("sqrt", promote="floating", domain=(0.2, 3))
def sqrt(input):
    """The square root.

    >>> import rushlight as rl
    >>> rl.sqrt(rl.tensor([4., 9.]))
    tensor([2., 3.])
    """
    return s.sqrt(input)


@pointwise("rsqrt", promote="floating", domain=(0.2, 3))
def rsqrt(input):
    """1 / sqrt(input)."""
    return s.rsqrt(input)


@pointwise("sin", promote="floating")
def sin(input):
    """The sine of input in radians."""
    return s.sin(input)


@pointwise("cos", promote="floating")
def cos(input):
    """The cosine of input in radians."""
    return s.cos(input)


@pointwise("tan", promote="floating", domain=(-1.2, 1.2))
def tan(input):
    """The tangent of input in radians."""
    return s.tan(input)


@pointwise("asin arcsin", promote="floating", domain=(-0.9, 0.9))
def asin(input):
    """The angle in radians whose sine is input."""
    return s.asin(input)


@pointwise("acos arccos", promote="floating", domain=(-0.9, 0.9))
def acos(input):
    """The angle in radians whose cosine is input."""
    return s.acos(input)


@pointwise("atan arctan", promote="floating")
def atan(input):
    """The angle in radians whose tangent is input."""
    return s.atan(input)


@pointwise("sinh", promote="floating")
def sinh(input):
    """The hyperbolic sine."""
    return s.sinh(input)


@pointwise("cosh", promote="floating")
def cosh(input):
    """The hyperbolic cosine."""
    return s.cosh(input)


@pointwise("tanh", promote="floating")
def tanh(input):
    """The hyperbolic tangent.

    >>> import rushlight as rl
    >>> rl.tanh(rl.tensor([0., 1.]))
    tensor([0.0000, 0.7616])
    """
    return s.tanh(input)


@pointwise("asinh arcsinh", promote="floating")
def asinh(input):
    """The inverse of sinh."""
    return s.asinh(input)


@pointwise("acosh arccosh", promote="floating", domain=(1.2, 3))
def acosh(input):
    """The inverse of cosh."""
    return s.acosh(input)


@pointwise("atanh arctanh", promote="floating", domain=(-0.9, 0.9))
def atanh(input):
    """The inverse of tanh."""
    return s.atanh(input)


@pointwise("atan2 arctan2", promote="floating", refuse="complex", tensors="input other")
def atan2(input, other):
    """The angle in radians of the point (other, input), in (-pi, pi]."""
    return s.atan2(input, other)


@pointwise("deg2rad", promote="floating", refuse="complex")
def deg2rad(input):
    """Degrees as radians."""
    return input * (math.pi / 180)


@pointwise("rad2deg", promote="floating", refuse="complex")
def rad2deg(input):
    """Radians as degrees."""
    return input * (180 / math.pi)


@pointwise("sinc special.sinc", promote="floating",
           grad=lambda gradient, input: gradient * s.conj(s.where(
               s.eq(input, 0), 0, (s.cos(math.pi * input) * (math.pi * input)
                                   - s.sin(math.pi * input)) / (math.pi * input * input))))
def sinc(input):
    """sin(pi input) / (pi input), and 1 at 0."""
    x = math.pi * input
    return s.where(s.eq(input, 0), 1, s.sin(x) / x)


@pointwise("erf special.erf", promote="floating", refuse="complex")
def erf(input):
    """The error function 2/sqrt(pi) * integral of e**(-t*t) from 0 to input."""
    return s.erf(input)


@pointwise("erfc special.erfc", promote="floating", refuse="complex")
def erfc(input):
    """1 - erf(input), exact where that is small."""
    return s.erfc(input)


@pointwise("erfinv special.erfinv", promote="floating", refuse="complex", domain=(-0.9, 0.9))
def erfinv(input):
    """The inverse of erf on [-1, 1]."""
    return s.erfinv(input)


@pointwise("lgamma special.gammaln", promote="floating", refuse="complex", domain=(0.2, 3))
def lgamma(input):
    """log |gamma(input)|."""
    return s.lgamma(input)


@pointwise("digamma special.digamma special.psi", promote="floating", refuse="complex",
           domain=(0.2, 3))
def digamma(input):
    """The derivative of lgamma."""
    return s.digamma(input)


@pointwise("i0 special.i0", promote="floating", refuse="complex")
def i0(input):
    """The modified Bessel function of the first kind, of order 0."""
    return s.i0(input)


@pointwise("logit special.logit", promote="floating", refuse="complex",
           domain=((0.1, 0.9), (0.2, 0.3)))
def logit(input, eps: Operand = None):
    """log(input / (1 - input)); with eps, input is first clamped to [eps, 1 - eps]."""
    if eps is not None:
        input = s.minimum(s.maximum(input, eps), 1 - eps)
    # Around a half the quotient is around 1, whose logarithm it gives without cancellation.
    near = s.log1p((2 * input - 1) / (1 - input))
    return s.where(s.bitwise_and(input > 0.25, input < 0.75), near, s.log(input / (1 - input)))


@pointwise("xlogy special.xlogy", promote="floating", refuse="complex", tensors="",
           domain=((-2, 2), (0.2, 3)), grad={
               "input": lambda gradient, input, other: gradient * s.where(
                   s.bitwise_and(s.eq(input, 0), other <= 0), 0, s.log(other)),
               "other": lambda gradient, input, other: gradient * input / other})
def xlogy(input, other):
    """input * log(other), and 0 where input is 0."""
    product = s.where(s.eq(input, 0), 0, input * s.log(other))
    return s.where(s.isnan(other), other, product)


@pointwise("logaddexp", refuse="bool integer", inplace=False, tensors="input other")
def logaddexp(input, other):
    """log(e**input + e**other), without overflow."""
    first = s.real(input) >= s.real(other)
    high, low = s.where(first, input, other), s.where(first, other, input)
    sum_ = high + s.log1p(s.exp(low - high))
    return s.where(s.bitwise_and(s.isinf(input), s.eq(input, other)), input, sum_)


@pointwise("logaddexp2", refuse="complex bool integer", inplace=False, tensors="input other")
def logaddexp2(input, other):
    """log2(2**input + 2**other), without overflow."""
    high, low = s.maximum(input, other), s.minimum(input, other)
    sum_ = high + s.log1p(s.exp2(low - high)) * (1 / math.log(2))
    return s.where(s.bitwise_and(s.isinf(input), s.eq(input, other)), input, sum_)
