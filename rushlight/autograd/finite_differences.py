"""Derivatives as differences of values a small step apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from rushlight.tensor import Tensor


def differentiable(outputs: Any) -> list[Tensor]:
    """The outputs that can have gradients."""
    listed = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    return [x for x in listed
            if isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex())]


def values(func: Callable[..., Any], inputs: Sequence[Any]) -> list[np.ndarray]:
    """Copies of the outputs that can have gradients."""
    return [np.array(x._array) for x in differentiable(func(*inputs))]


def difference(
    func: Callable[..., Any], inputs: Sequence[Any], array: np.ndarray,
    direction: np.ndarray, eps: float,
) -> list[np.ndarray]:
    """The derivative of every output along `direction` in the memory of one input."""
    before = array.copy()
    try:
        array[...] = before + eps * direction
        above = values(func, inputs)
        array[...] = before - eps * direction
        below = values(func, inputs)
    finally:
        array[...] = before
    return [(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)]


def directions(array: np.ndarray) -> Iterator[tuple[tuple[int, ...], complex]]:
    """An element and a unit for every real component of `array`."""
    for index in np.ndindex(array.shape):
        yield index, 1.0
        if array.dtype.kind == "c":
            yield index, 1j


def numerical_jacobian(
    func: Callable[..., Any], inputs: Sequence[Any], x: Tensor, outputs: list[Tensor], eps: float
) -> list[np.ndarray]:
    """For each output the Jacobian, (real components of the output, elements of the input)."""
    array = x._array
    jacobians = [np.zeros((2 if y.is_complex() else 1, y.numel(), *array.shape), array.dtype)
                 for y in outputs]
    for index, unit in directions(array):
        direction = np.zeros(array.shape, array.dtype)
        direction[index] = unit
        for jacobian, d in zip(jacobians, difference(func, inputs, array, direction, eps),
                               strict=True):
            parts = [d.real, d.imag] if d.dtype.kind == "c" else [d]
            for k, part in enumerate(parts):
                place: tuple[Any, ...] = (k, slice(None), *index)
                jacobian[place] += unit * part.ravel()
    return jacobians
