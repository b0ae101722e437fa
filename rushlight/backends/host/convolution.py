"""Convolution in NumPy: the reference for every data type, and the fall-back without oneDNN.

Arrays are (batch, channels, *space), weights (out, in / groups, *window). Each function sums one
matrix product per place of the window, so no copy of all windows is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.quiet import quiet

Ints = tuple[int, ...]


class Window(NamedTuple):
    """How the window moves: one number a spatial dimension each, and the groups of channels."""

    stride: Ints
    front: Ints  # padding before the first element
    behind: Ints  # padding after the last; below 0: elements left out
    dilation: Ints
    groups: int


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window
            ) -> np.ndarray:
    """The convolution of `input` with `weight`, plus `bias` by channel, as a new array."""
    kind = input.dtype
    groups = window.groups
    x = _padded(_wide(input), window)
    w = _by_group(_wide(weight), groups)  # (groups, out, in, *window)
    space = output_space(input.shape[2:], weight.shape[2:], window)
    batch, channels = input.shape[:2]
    out = np.zeros((batch, groups, weight.shape[0] // groups, *space), x.dtype)
    for place, seen in _places(weight.shape[2:], space, window):
        part = x[..., *seen].reshape(batch, groups, channels // groups, *space)
        out += _contract(w[..., *place], part)
    out = out.reshape(batch, weight.shape[0], *space)
    if bias is not None:
        out += _wide(bias).reshape(-1, *[1] * len(space))
    return out.astype(kind, copy=False)


def backward_data(grad: np.ndarray, weight: np.ndarray, window: Window, shape: Ints
                  ) -> np.ndarray:
    """The gradient of an input of `shape`, given the gradient of the output, as a new array."""
    dy, groups = _wide(grad), window.groups
    w = _by_group(_wide(weight), groups)
    space, (batch, channels) = grad.shape[2:], shape[:2]
    dy = dy.reshape(batch, groups, grad.shape[1] // groups, *space)
    room = [f + max(i, (o - 1) * s + d * (k - 1) + 1 - f) for i, f, o, s, d, k in zip(
        shape[2:], window.front, space, window.stride, window.dilation,
        weight.shape[2:], strict=True)]
    out = np.zeros((batch, channels, *room), dy.dtype)
    for place, seen in _places(weight.shape[2:], space, window):
        part = _contract(w[..., *place].swapaxes(-1, -2), dy)
        out[..., *seen] += part.reshape(batch, channels, *space)
    inside: Any = tuple(slice(p, p + i) for i, p in zip(shape[2:], window.front, strict=True))
    return np.ascontiguousarray(out[..., *inside]).astype(grad.dtype, copy=False)


def backward_weights(input: np.ndarray, grad: np.ndarray, window: Window, shape: Ints
                     ) -> np.ndarray:
    """The gradient of a weight of `shape`, given the output's, as a new array."""
    x, dy, groups = _padded(_wide(input), window), _wide(grad), window.groups
    space, (batch, channels) = grad.shape[2:], input.shape[:2]
    places = prod(space)
    dy = dy.reshape(batch, groups, grad.shape[1] // groups, places)
    out = np.zeros((groups, shape[0] // groups, *shape[1:]), x.dtype)
    for place, seen in _places(shape[2:], space, window):
        part = x[..., *seen].reshape(batch, groups, channels // groups, places)
        out[..., *place] = quiet(np.matmul)(dy, part.swapaxes(-1, -2)).sum(0)
    return out.reshape(shape).astype(input.dtype, copy=False)


def backward_bias(grad: np.ndarray) -> np.ndarray:
    """The gradient of the bias: the output's, summed over samples and space."""
    total: np.ndarray = _wide(grad).sum((0, *range(2, grad.ndim)))
    return total.astype(grad.dtype, copy=False)


def output_space(space: Sequence[int], size: Sequence[int], window: Window) -> Ints:
    """Spatial extents of the output, for a window of `size`; below 1 if the window is too big."""
    return tuple([(i + f + b - d * (k - 1) - 1) // s + 1 for i, k, s, f, b, d in zip(
        space, size, window.stride, window.front, window.behind, window.dilation, strict=True)])


def _places(size: Sequence[int], space: Sequence[int], window: Window
            ) -> Iterator[tuple[Any, Any]]:
    """Each place of the window, with the slices of the padded input that it visits."""
    for place in product(*map(range, size)):
        yield place, tuple(slice(k * d, k * d + (o - 1) * s + 1, s) for k, o, s, d in zip(
            place, space, window.stride, window.dilation, strict=True))


def _contract(matrix: np.ndarray, part: np.ndarray) -> np.ndarray:
    """The sum over channels, as one matrix product for each sample and group."""
    flat = part.reshape(*part.shape[:3], prod(part.shape[3:]))  # (batch, groups, channels, places)
    result: np.ndarray = quiet(np.matmul)(matrix, flat)
    return result.reshape(*result.shape[:3], *part.shape[3:])


def _by_group(weight: np.ndarray, groups: int) -> np.ndarray:
    return weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])


def _padded(array: np.ndarray, window: Window) -> np.ndarray:
    if not any(window.front) and not any(window.behind):
        return array
    sides = list(zip(window.front, (max(0, b) for b in window.behind), strict=True))
    kept = tuple(slice(None, min(0, b) or None) for b in window.behind)
    return np.pad(array, [(0, 0), (0, 0), *sides])[..., *kept]


def _wide(array: np.ndarray) -> np.ndarray:
    """Half types are summed in float32."""
    return array.astype(np.float32) if array.dtype.name in ("float16", "bfloat16") else array
