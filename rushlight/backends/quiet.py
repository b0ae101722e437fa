"""NumPy functions as tensors need them: infinities and NaN are results, never warnings or errors.

What `np.seterr` and `warnings` say about the user's own NumPy stays untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.quiet import quiet_ufunc


@cache
def quiet(function: Any) -> Any:
    """The same function or ufunc, silent; of ufuncs also `.reduce`."""
    if not isinstance(function, np.ufunc):
        return silent(function)
    try:
        return quiet_ufunc(function)
    except Unavailable:
        return _Quiet(function)


class _Quiet:
    """A ufunc called without NumPy's floating-point checks, where no code can be generated."""

    __slots__ = ("call", "reduce")

    def __init__(self, function: np.ufunc) -> None:
        self.call = silent(function)
        self.reduce = silent(function.reduce)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.call(*arguments, **options)


def silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: NumPy's floating-point checks are off while `function` runs."""
    return np.errstate(all="ignore")(function)
