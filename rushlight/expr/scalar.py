"""The primitives as functions, for the bodies of ops: `s.exp(x)`, `s.where(x > 0, x, 0)`."""

from __future__ import annotations

from collections.abc import Callable

from rushlight.expr.expression import Expression, Scalar, call
from rushlight.expr.primitives import PRIMITIVES


def _function(name: str) -> Callable[..., Expression]:
    def function(*operands: Scalar) -> Expression:
        return call(name, *operands)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The primitive {name} on traced values."
    return function


globals().update({name: _function(name) for name in PRIMITIVES})


def __getattr__(name: str) -> Callable[..., Expression]:
    raise AttributeError(f"there is no scalar primitive {name!r}; see expr/primitives.py")


def sigmoid(x: Expression) -> Expression:
    """1 / (1 + e^-x)."""
    return 1 / (1 + call("exp", -x))


def square(x: Expression) -> Expression:
    """x * x."""
    return x * x
