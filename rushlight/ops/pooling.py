"""max_pool, avg_pool, their adaptive forms, lp_pool and max_unpool, over 1, 2 or 3 dimensions.

Every one works on (channels, *space) or (batch, channels, *space). The gradient of a maximum goes
to the place it came from: a scatter, whose own gradient is a gather. Averages are linear, so their
gradient is their transpose, whose gradient is the average.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.cpu import pooling as backend
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Windows
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.families.library import library
from rushlight.tensor import Tensor

Array = np.ndarray
Option = Any
Ints = tuple[int, ...]
Numbers = int | Sequence[int]


def _planes(x: Array, space: int) -> Array:
    """(..., *space) with all leading dimensions folded into one."""
    return x.reshape(prod(x.shape[:-space]), *x.shape[x.ndim - space:])


@library("")
class max_pool_with_places:
    """The largest element of each window, and its place in the flattened plane."""

    outputs = 2
    differentiable = (0,)

    def forward(input: Array, windows: Option) -> tuple[Array, Array]:
        shape = (*input.shape[:-len(windows.out)], *windows.out)
        if is_meta(input):
            return MetaArray(shape, input.dtype), MetaArray(shape, np.dtype(np.int64))
        values, places = backend.max_pool(_planes(input, len(windows.out)), windows, True)
        return values.reshape(shape), places.reshape(shape)

    def backward(gradients: Any, output1: Tensor, windows: Windows, shape: Ints) -> Any:
        space = tuple(shape[-len(windows.out):])
        return None if gradients[0] is None else max_scatter(gradients[0], output1, space)


@library("")
class max_pool_values:
    """The largest element of each window: for where no gradient is needed."""

    def forward(input: Array, windows: Option) -> Array:
        shape = (*input.shape[:-len(windows.out)], *windows.out)
        if is_meta(input):
            return MetaArray(shape, input.dtype)
        planes = _planes(input, len(windows.out))
        return backend.max_pool(planes, windows, False)[0].reshape(shape)


@library("")
class max_scatter:
    """Each element added to its place in planes of zeros of extents `space`."""

    def forward(input: Array, places: Array, space: Option) -> Array:
        shape = (*input.shape[:-len(space)], *space)
        if is_meta(input) or is_meta(places):
            return MetaArray(shape, input.dtype)
        n = len(space)
        return backend.scatter(_planes(input, n), _planes(places, n), space).reshape(shape)

    def backward(gradient: Tensor, places: Tensor, space: Ints) -> tuple:
        return max_gather(gradient, places, space), None


@library("")
class max_gather:
    """The elements of each plane at its places."""

    def forward(input: Array, places: Array, space: Option) -> Array:
        if is_meta(input) or is_meta(places):
            return MetaArray(places.shape, input.dtype)
        n = len(space)
        return host.gather(_planes(input, n), _planes(places, n)).reshape(places.shape)

    def backward(gradient: Tensor, places: Tensor, space: Ints) -> tuple:
        return max_scatter(gradient, places, space), None


@library("")
class average_pool:
    """The sum of each window over its divisor; divisor: (count_include_pad, override)."""

    def forward(input: Array, windows: Option, divisor: Option) -> Array:
        n = len(windows.out)
        shape = (*input.shape[:-n], *windows.out)
        if is_meta(input):
            return MetaArray(shape, input.dtype)
        counts = host.divisors(input.shape[-n:], windows, *divisor)
        return host.average_pool(_planes(input, n), windows, counts).reshape(shape)

    def backward(gradient: Tensor, windows: Windows, divisor: Any, shape: Ints) -> Tensor:
        return average_pool_transposed(gradient, windows, divisor, shape)


@library("")
class average_pool_transposed:
    """Each window's share to all its elements: the gradient of `average_pool`."""

    def forward(input: Array, windows: Option, divisor: Option, size: Option) -> Array:
        if is_meta(input):
            return MetaArray(size, input.dtype)
        n = len(windows.out)
        space = tuple(size[-n:])
        counts = host.divisors(space, windows, *divisor)
        planes = _planes(input, n)
        return host.average_pool_backward(planes, windows, counts, space).reshape(size)

    def backward(gradient: Tensor, windows: Windows, divisor: Any) -> Tensor:
        return average_pool(gradient, windows, divisor)


@library("")
class adaptive_average:
    """Means over windows that share each dimension out evenly among `out` places."""

    def forward(input: Array, out: Option) -> Array:
        n = len(out)
        shape = (*input.shape[:-n], *out)
        if is_meta(input):
            return MetaArray(shape, input.dtype)
        return host.adaptive_average(_planes(input, n), out).reshape(shape)

    def backward(gradient: Tensor, out: Ints, shape: Ints) -> Tensor:
        return adaptive_average_transposed(gradient, tuple(shape), out)


@library("")
class adaptive_average_transposed:
    """The gradient of `adaptive_average`."""

    def forward(input: Array, size: Option, out: Option) -> Array:
        n = len(out)
        if is_meta(input):
            return MetaArray(size, input.dtype)
        return host.adaptive_average_backward(_planes(input, n), tuple(size[-n:])).reshape(size)

    def backward(gradient: Tensor, out: Ints) -> Tensor:
        return adaptive_average(gradient, out)


@library("")
class adaptive_maximum:
    """The largest of each of `out` evenly shared windows, and its place in the plane."""

    outputs = 2
    differentiable = (0,)

    def forward(input: Array, out: Option) -> tuple[Array, Array]:
        n = len(out)
        shape = (*input.shape[:-n], *out)
        if is_meta(input):
            return MetaArray(shape, input.dtype), MetaArray(shape, np.dtype(np.int64))
        values, places = host.adaptive_max(_planes(input, n), out)
        return values.reshape(shape), places.reshape(shape)

    def backward(gradients: Any, output1: Tensor, out: Ints, shape: Ints) -> Any:
        space = tuple(shape[-len(out):])
        return None if gradients[0] is None else max_scatter(gradients[0], output1, space)
