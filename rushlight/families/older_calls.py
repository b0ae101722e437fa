"""Calls as programs of 2017 to 2020 write them: factors stand before the tensors they belong to.

`p.add_(-rate, grad)` is `p.add_(grad, alpha=-rate)` today; torch still takes both, and warns.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from rushlight.tensor import Tensor

# The factor of those pointwise ops that had one in front.
FACTORS = {"add": "alpha", "sub": "alpha", "addcmul": "value", "addcdiv": "value"}

_told: set[str] = set()


def _deprecated(name: str, instead: str) -> None:
    """Warn, once for each name."""
    if name not in _told:
        _told.add(name)
        warnings.warn(f"This overload of {name} is deprecated: factors are given by keyword, "
                      f"{name}({instead})", UserWarning, stacklevel=4)


def factor_first(function: Any, name: str, factor: str, count: int, args: tuple[Any, ...],
                 options: dict[str, Any]) -> Any:
    """The call of a pointwise op with (input, factor, *tensors); count: how many tensors it has.

    Raises TypeError where the arguments are not those.
    """
    input, given, *tensors = args
    if len(tensors) != count - 1 or (isinstance(given, Tensor) and given.dim()):
        raise TypeError(f"{name}() takes {count} positional arguments but {len(args)} were given")
    _deprecated(name, f"..., {factor}={factor}")
    number = given.item() if isinstance(given, Tensor) else given
    return function(input, *tensors, **{factor: number}, **options)


def factors_first(body: Callable[..., Any]) -> Any:
    """Let a product added to a tensor be called with beta and alpha among its three tensors.

    As a function (beta, input, alpha, ...), as a method (input, beta, alpha, ...), or without
    alpha.
    """

    @functools.wraps(body)
    def function(*args: Any, **options: Any) -> Any:
        if len(args) > 3:
            numbers = [x for x in args if not isinstance(x, Tensor)]
            tensors = [x for x in args if isinstance(x, Tensor)]
            if len(tensors) != 3 or len(numbers) > 2:
                raise TypeError(f"{body.__name__}() takes 3 positional arguments but {len(args)} "
                                "were given")
            _deprecated(body.__name__, "..., beta=beta, alpha=alpha")
            options |= dict(zip(("beta", "alpha"), numbers, strict=False))
            args = tuple(tensors)
        return body(*args, **options)

    return function
