"""Bits: and, or, exclusive or, not, shifts."""

from __future__ import annotations

from rushlight.expr import scalar as s
from rushlight.families.pointwise import pointwise

NUMBERS = "float complex"


@pointwise("bitwise_and Tensor.__and__", tensors="", refuse=NUMBERS)
def bitwise_and(input, other):
    """The bits set in both; of truth values: and.

    >>> import rushlight as rl
    >>> rl.tensor([6, 3]) & 2
    tensor([2, 2])
    """
    return input & other


@pointwise("bitwise_or Tensor.__or__", tensors="", refuse=NUMBERS)
def bitwise_or(input, other):
    """The bits set in either; of truth values: or."""
    return input | other


@pointwise("bitwise_xor Tensor.__xor__", tensors="", refuse=NUMBERS)
def bitwise_xor(input, other):
    """The bits set in exactly one; of truth values: exclusive or."""
    return input ^ other


@pointwise("bitwise_not Tensor.__invert__", refuse=NUMBERS)
def bitwise_not(input):
    """All bits flipped; of truth values: not.

    >>> import rushlight as rl
    >>> ~rl.tensor([True, False])
    tensor([False,  True])
    """
    return ~input


@pointwise("bitwise_left_shift Tensor.__lshift__", tensors="", refuse="float complex bool")
def bitwise_left_shift(input, other):
    """input * 2**other, on bits."""
    return s.shift_left(input, other)


@pointwise("bitwise_right_shift Tensor.__rshift__", tensors="", refuse="float complex bool")
def bitwise_right_shift(input, other):
    """input / 2**other rounded down, on bits."""
    return s.shift_right(input, other)
