"""One operation over a list of arrays: optimizer updates, scaling, norms. The NumPy reference.

An update rule is a plain function of one element, written once and run on NumPy arrays here,
on symbols by the compiled backend, and on tensors where an update is to be differentiated:

    def rule(s, p, g, state, o):        # s: sqrt, abs, sign, maximum, minimum, where
        state.momentum_buffer = state.momentum_buffer * o.momentum + g
        return p - o.lr * state.momentum_buffer

Attributes of `state` that hold one number per tensor (`step`) are scalars to the rule, and
are computed in double precision. A sum whose second term is a product is fused where the machine
can (`x + a * b` rounds once), so the order of terms is part of the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

Rule = Callable[[Any, Any, Any, Any, Any], Any]
Columns = Mapping[str, Sequence[np.ndarray]]


class _Functions:
    """What a rule may call, on arrays and on Python numbers."""

    abs = staticmethod(np.abs)
    sign = staticmethod(np.sign)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)

    @staticmethod
    def sqrt(x: Any) -> Any:
        return np.sqrt(x) if isinstance(x, np.ndarray) else max(x, 0.0) ** 0.5

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, (bool, np.bool_)):  # a Python scalar must stay one: no promotion
            return a if condition else b
        return np.where(condition, a, b)


def update(
    rule: Rule,
    params: Sequence[np.ndarray],
    grads: Sequence[np.ndarray],
    counters: Columns,
    state: Columns,
    options: Mapping[str, Any],
) -> None:
    """Apply `rule` to every parameter in place.

    Args:
        rule: the update of one element.
        params, grads: arrays of equal shapes, pair by pair.
        counters: name to one 0-d array a parameter; changed in place.
        state: name to one array a parameter, shaped as it; changed in place.
        options: the hyperparameters.
    """
    given = SimpleNamespace(**options)
    with np.errstate(all="ignore"):
        for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
            memory = SimpleNamespace(
                **{name: float(column[i]) for name, column in counters.items()},
                **{name: working(column[i]) for name, column in state.items()},
            )
            new = rule(_Functions, working(param), working(grad), memory, given)
            store(param, new)
            for name, column in (*counters.items(), *state.items()):
                store(column[i], getattr(memory, name))


def working(array: np.ndarray) -> np.ndarray:
    """`array` in the dtype that sums are formed in: half types in float32, complex as pairs."""
    if array.dtype.kind == "c":
        real = np.dtype(f"f{array.dtype.itemsize // 2}")
        return np.ascontiguousarray(array).view(real).reshape(*array.shape, 2)
    return array if array.dtype.itemsize >= 4 else array.astype(np.float32)


def store(array: np.ndarray, value: Any) -> None:
    """Write back what was computed on `working(array)`."""
    if array.dtype.kind == "c":
        real = np.dtype(f"f{array.dtype.itemsize // 2}")
        value = np.ascontiguousarray(value, real).view(array.dtype).reshape(array.shape)
    array[...] = value


def scale(arrays: Sequence[np.ndarray], factor: float) -> None:
    """Multiply every array by `factor`, in place."""
    for array in arrays:
        array[...] = array * np.asarray(factor, array.dtype)


def norms(arrays: Sequence[np.ndarray], order: float = 2.0) -> list[float]:
    """The vector norm of each array: `(sum |x|^order)^(1/order)`, or the largest `|x|` for inf."""
    return [_norm(working(array).ravel(), order) for array in arrays]


def norm(arrays: Sequence[np.ndarray], order: float = 2.0) -> float:
    """The norm of all elements of all arrays taken as one vector."""
    parts = norms(arrays, order)
    return sum(parts) if order == 0 else _norm(np.asarray(parts, np.float64), order)


def _norm(x: np.ndarray, order: float) -> float:
    if x.size == 0:
        return 0.0
    if order == 0:
        return float(np.count_nonzero(x))
    if order == 2:
        with np.errstate(all="ignore"):
            square = float(np.dot(x, x))
        if 1e-30 < square < 1e30:
            return math.sqrt(square)
    wide = np.abs(x.astype(np.float64))  # squares of what float32 holds fit here
    if order == np.inf:
        return float(wide.max())
    if order == -np.inf:
        return float(wide.min())
    with np.errstate(all="ignore"):
        return float(np.power(np.power(wide, order).sum(), 1.0 / order))
