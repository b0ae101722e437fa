"""Pooling in NumPy: the reference for every data type.

Arrays are (planes, *space): samples and channels folded into one dimension. Windows are visited
place by place, each place as one strided slice over all windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

Ints = tuple[int, ...]


class Windows(NamedTuple):
    """The windows of a pooling, one number a spatial dimension each."""

    size: Ints
    stride: Ints
    padding: Ints
    dilation: Ints
    out: Ints  # how many windows


def extents(space: Sequence[int], size: Ints, stride: Ints, padding: Ints, dilation: Ints,
            ceil_mode: bool) -> Ints:
    """How many windows fit; with `ceil_mode` also those that begin inside but reach beyond."""
    found = []
    for i, k, s, p, d in zip(space, size, stride, padding, dilation, strict=True):
        room = i + 2 * p - d * (k - 1) - 1
        count = (room + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= i + p:
            count -= 1  # the last one must begin inside the input or its left padding
        found.append(count)
    return tuple(found)


def max_pool(input: np.ndarray, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each window, and its place in the flattened plane (int64).

    nan counts as largest; of equals the first is taken.
    """
    shape = (input.shape[0], *windows.out)
    places = np.empty(shape, np.int64)
    places[...] = _flat(input.shape[1:], _starts(windows))
    best = gather(input, places)
    for seen, of_windows, flat in _places(input.shape[1:], windows):
        part, known = input[seen], best[of_windows]
        better = part > known
        if input.dtype.kind in "fV":
            better |= part != part
        best[of_windows] = np.where(better, part, known)
        places[of_windows] = np.where(better, flat, places[of_windows])
    return best, places


def scatter(grad: np.ndarray, places: np.ndarray, space: Ints) -> np.ndarray:
    """Add each element of `grad` to its place in a plane of zeros of extents `space`."""
    planes, size = grad.shape[0], prod(space)
    out = np.zeros((planes, size), _accumulator(grad.dtype))
    rows = np.arange(planes)[:, None]
    windows = prod(grad.shape[1:])
    np.add.at(out, (rows, places.reshape(planes, windows)), grad.reshape(planes, windows))
    return out.reshape(planes, *space).astype(grad.dtype, copy=False)


def gather(planes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The elements of each plane at its places: the transpose of `scatter`."""
    count = planes.shape[0]
    flat = planes.reshape(count, prod(planes.shape[1:]))
    at = places.reshape(count, prod(places.shape[1:]))
    return np.take_along_axis(flat, at, 1).reshape(places.shape)


def average_pool(input: np.ndarray, windows: Windows, divisor: np.ndarray) -> np.ndarray:
    """The sum of each window over `divisor` (*windows.out)."""
    total = np.zeros((input.shape[0], *windows.out), _accumulator(input.dtype))
    for seen, of_windows, _ in _places(input.shape[1:], windows):
        total[of_windows] += input[seen]
    return _divided(total, divisor).astype(input.dtype, copy=False)


def average_pool_backward(grad: np.ndarray, windows: Windows, divisor: np.ndarray, space: Ints
                          ) -> np.ndarray:
    """The transpose of `average_pool`: each window's share goes to all its elements."""
    share = _divided(grad.astype(_accumulator(grad.dtype), copy=False), divisor)
    out = np.zeros((grad.shape[0], *space), share.dtype)
    for seen, of_windows, _ in _places(space, windows):
        out[seen] += share[of_windows]
    return out.astype(grad.dtype, copy=False)


def divisors(space: Ints, windows: Windows, count_include_pad: bool, override: int | None
             ) -> np.ndarray:
    """What each window's sum is divided by, (*windows.out)."""
    if override is not None:
        return np.full(windows.out, override, np.int64)
    counts = []
    for i, k, s, p, o in zip(space, windows.size, windows.stride, windows.padding, windows.out,
                             strict=True):
        first = np.arange(o) * s - p
        last = np.minimum(first + k, i + p)  # a window past the padding is not counted in full
        if not count_include_pad:
            first, last = np.maximum(first, 0), np.minimum(last, i)
        counts.append(last - first)
    return np.asarray(prod(np.ix_(*counts)) if len(counts) > 1 else counts[0])


def adaptive_average(input: np.ndarray, out: Ints) -> np.ndarray:
    """Means over windows that share the planes out evenly among `out` places."""
    result = input.astype(_accumulator(input.dtype), copy=False)
    for axis, count in enumerate(out, 1):
        weights = _shares(input.shape[axis], count).astype(result.dtype)  # (count, extent)
        result = np.moveaxis(np.moveaxis(result, axis, -1) @ weights.T, -1, axis)
    return np.ascontiguousarray(result).astype(input.dtype, copy=False)


def adaptive_average_backward(grad: np.ndarray, space: Ints) -> np.ndarray:
    """The transpose of `adaptive_average`."""
    result = grad.astype(_accumulator(grad.dtype), copy=False)
    for axis, extent in enumerate(space, 1):
        weights = _shares(extent, grad.shape[axis]).astype(result.dtype)
        result = np.moveaxis(np.moveaxis(result, axis, -1) @ weights, -1, axis)
    return np.ascontiguousarray(result).astype(grad.dtype, copy=False)


def adaptive_max(input: np.ndarray, out: Ints) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each of `out` evenly shared windows, and its place in the plane."""
    planes, space = input.shape[0], input.shape[1:]
    values = np.empty((planes, *out), input.dtype)
    places = np.empty((planes, *out), np.int64)
    bounds = [[(o * i // n, -(-(o + 1) * i // n)) for o in range(n)]
              for i, n in zip(space, out, strict=True)]
    flat = np.arange(prod(space)).reshape(space)
    for cell in product(*map(range, out)):
        inside = tuple(slice(*bounds[axis][o]) for axis, o in enumerate(cell))
        window: np.ndarray = input[(slice(None), *inside)]
        window = window.reshape(planes, prod(window.shape[1:]))
        chosen = window.argmax(1)
        at: Any = (slice(None), *cell)
        places[at] = flat[inside].reshape(-1)[chosen]
        values[at] = window[np.arange(planes), chosen]
    return values, places


def fractional_max(input: np.ndarray, samples: np.ndarray, size: Ints, out: Ints
                   ) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of windows of `size`, and its place in the plane.

    samples: (planes, dimensions), from 0 to 1, where windows begin; of images the width's first.
    """
    planes, space, n = input.shape[0], input.shape[1:], len(out)
    places = np.zeros((planes, *[1] * (2 * n)), np.int64)  # (planes, *out, *size)
    for axis, (i, k, o) in enumerate(zip(space, size, out, strict=True)):
        sample = samples[:, n - 1 - axis if n == 2 else axis, None]
        start = np.full((planes, o), i - k)
        if o > 1:  # windows begin about (i - k) / (o - 1) apart, the last at the end
            apart = np.asarray((i - k) / (o - 1), samples.dtype)
            steps = ((np.arange(o - 1) + sample) * apart).astype(np.int64)
            start[:, :-1] = steps - (sample * apart).astype(np.int64)
        at = start[:, :, None] + np.arange(k)
        where = [planes] + [1] * (2 * n)
        where[1 + axis], where[1 + n + axis] = o, k
        places = places * i + at.reshape(where)
    places = places.reshape(planes, *out, prod(size))
    seen = gather(input, places)
    chosen = seen.argmax(-1)[..., None]
    values = np.take_along_axis(seen, chosen, -1)[..., 0]
    return values, np.take_along_axis(places, chosen, -1)[..., 0]


def _shares(extent: int, count: int) -> np.ndarray:
    """(count, extent): row o is the mean over the o-th of `count` windows."""
    weights = np.zeros((count, extent))
    for o in range(count):
        first, last = o * extent // count, -(-(o + 1) * extent // count)
        weights[o, first:last] = 1 / (last - first)
    return weights


def _places(space: Ints, windows: Windows
            ) -> Iterator[tuple[Any, Any, np.ndarray]]:
    """Each place of the window: the elements seen, the windows that see them, where they are."""
    for place in product(*map(range, windows.size)):
        seen, of_windows, where = [], [], []
        for axis, k in enumerate(place):
            s, offset = windows.stride[axis], k * windows.dilation[axis] - windows.padding[axis]
            first = max(0, -(offset // s))  # the first window whose element is not padding
            last = min(windows.out[axis], (space[axis] - 1 - offset) // s + 1)
            last = max(last, first)
            seen.append(slice(first * s + offset, max((last - 1) * s + offset + 1, 0), s))
            of_windows.append(slice(first, last))
            where.append(np.arange(first, last) * s + offset)
        yield (slice(None), *seen), (slice(None), *of_windows), _flat(space, where)


def _starts(windows: Windows) -> list[np.ndarray]:
    """The first element of each window that is not padding, by dimension."""
    found = []
    for o, s, p, d in zip(windows.out, windows.stride, windows.padding, windows.dilation,
                          strict=True):
        first = np.arange(o) * s - p
        found.append(np.where(first < 0, first % d, first))
    return found


def _flat(space: Ints, where: Sequence[np.ndarray]) -> np.ndarray:
    """Places in the flattened plane, for every combination of coordinates."""
    grid = np.ix_(*where)
    total = np.zeros((1,) * len(grid), np.int64)
    for extent, coordinate in zip(space, grid, strict=True):
        total = total * extent + coordinate
    return total


def _divided(total: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    if total.dtype.kind in "iu":  # towards zero, as integer division of C
        share = np.abs(total) // np.abs(divisor)
        total = (np.sign(total) * np.sign(divisor) * share).astype(total.dtype)
    else:
        total = total / divisor.astype(total.dtype)
    return total


def _accumulator(dtype: np.dtype) -> np.dtype:
    """Half types are summed in float32."""
    return np.dtype(np.float32) if dtype.name in ("float16", "bfloat16") else dtype
