"""Rounding to integers and fractions."""

from __future__ import annotations

from rushlight.expr import scalar as s
from rushlight.families.pointwise import pointwise


@pointwise("floor", refuse="bool complex")
def floor(input):
    """The largest integer not above input.

    >>> import rushlight as rl
    >>> rl.floor(rl.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return s.floor(input)


@pointwise("ceil", refuse="bool complex")
def ceil(input):
    """The smallest integer not below input."""
    return s.ceil(input)


@pointwise("trunc fix", refuse="bool complex")
def trunc(input):
    """input without its fraction."""
    return s.trunc(input)


@pointwise("frac", refuse="bool integer complex", grad=lambda gradient: gradient)
def frac(input):
    """The fraction of input, with its sign."""
    return input - s.trunc(input)


@pointwise("round special.round", refuse="bool complex",
           samples=lambda x: [(x(2, 3), {'decimals': 1}), (100 * x(2, 3), {'decimals': -1})])
def round(input, *, decimals: int = 0):
    """The nearest integer, halves to even; or the nearest multiple of 10**-decimals.

    >>> import rushlight as rl
    >>> rl.round(rl.tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
    if decimals == 0:
        return s.round(input)
    if decimals > 0:
        return s.round(input * 10.0**decimals) / 10.0**decimals
    return s.round(input / 10.0**-decimals) * 10.0**-decimals
