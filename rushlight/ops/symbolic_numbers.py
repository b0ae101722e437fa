"""Python's arithmetic under torch's names for sizes not known yet: here they always are."""

from __future__ import annotations

import builtins
import math
from typing import Any

from rushlight.families.composite import function


class _Unknown:
    """A number that is not known while a program is recorded: here all numbers are known."""

    def __init__(self, *arguments: Any) -> None:
        raise TypeError(f"{type(self).__name__} cannot be made: every size is a plain number "
                        "here. It is there for isinstance tests")


class SymInt(_Unknown):
    """An int not known yet: of a tensor there is none; a nested one has such a size."""


class SymFloat(_Unknown):
    """A float not known yet; there are none, so that isinstance tests say no."""


class SymBool(_Unknown):
    """A bool not known yet; there are none, so that isinstance tests say no."""


@function("sym_float", samples=lambda x: [(2,)])
def sym_float(a: Any) -> float:
    """`a` as a float."""
    return float(a)


@function("sym_int", samples=lambda x: [(-2.5,)])
def sym_int(a: Any) -> int:
    """`a` as an int, cut off towards zero.

    >>> import rushlight as rl
    >>> rl.sym_int(-2.5)
    -2
    """
    return math.trunc(a)


@function("sym_max", samples=lambda x: [(1, 2.0)])
def sym_max(a: Any, b: Any) -> Any:
    """The larger of two numbers; a float if one of them is."""
    found = builtins.max(a, b)
    return float(found) if isinstance(a, float) or isinstance(b, float) else found


@function("sym_min", samples=lambda x: [(1, 2.0)])
def sym_min(a: Any, b: Any) -> Any:
    """The smaller of two numbers; a float if one of them is."""
    found = builtins.min(a, b)
    return float(found) if isinstance(a, float) or isinstance(b, float) else found


@function("sym_not", samples=lambda x: [(True,)])
def sym_not(a: Any) -> bool:
    """Whether `a` is false."""
    return not a


@function("sym_ite", samples=lambda x: [(True, 1, 2)])
def sym_ite(b: bool, t: Any, f: Any) -> Any:
    """`t` if b, else `f`."""
    return t if b else f


@function("sym_sum", samples=lambda x: [([1, 2],)])
def sym_sum(args: Any) -> Any:
    """The sum of numbers."""
    return builtins.sum(args)
