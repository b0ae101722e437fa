"""NumPy functions as tensors need them: infinities and NaN are results, never warnings or errors.

What `np.seterr` and `warnings` say about the user's own NumPy stays untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.quiet import quiet_ufunc


@cache
def quiet(function: Any) -> Any:
    """The same function or ufunc, silent; of ufuncs also `.reduce`."""
    if not isinstance(function, np.ufunc):
        return _silenced(function)
    if function.signature is None:
        try:
            return quiet_ufunc(function)
        except Unavailable:
            pass
    return _Quiet(function)


class _Quiet:
    """A ufunc called with NumPy's floating-point checks switched off, where no code can be
    generated."""

    __slots__ = ("function", "reduce")

    def __init__(self, function: np.ufunc) -> None:
        self.function, self.reduce = function, _silenced(function.reduce)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.function(*arguments, **options)


def _silenced(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments, **options)

    return run
