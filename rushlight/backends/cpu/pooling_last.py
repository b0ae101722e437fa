"""Pooling of arrays that have their channels last in memory, by kernels over vectors of channels.

Arrays are (batch, channels, *space); results have their channels last too. What no kernel takes
(half types, integers, dilated windows) goes through a row-major copy.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.channels_last import arranged, empty
from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import average_pooling, boxes, pooling
from rushlight.backends.cpu.average_pooling import Divisor, Plan
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.pooling_ir import TYPES
from rushlight.backends.cpu.pooling_last_ir import (
    BLOCK,
    average_ir,
    largest_ir,
    scatter_ir,
    spread_ir,
)
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Ints, Windows
from rushlight.base.dtypes import NAMES

Array = np.ndarray
Moves = Any  # Windows, or the extents of the result that share the planes out evenly
_KERNELS = {"largest": largest_ir, "average": average_ir, "spread": spread_ir,
            "scatter": scatter_ir}


def largest(input: Array, windows: Moves) -> tuple[Array, Array]:
    """The largest element of each window, and its place in the flattened plane (int64)."""
    plan = _plan("largest", input.dtype, input.shape, windows)
    if plan is None:
        planes = _planes(input)
        found: Any = (pooling.max_pool(planes, windows, True) if isinstance(windows, Windows)
                      else pooling.adaptive_max(planes, windows))
        return _back(found[0], input), _back(found[1], input)
    shape = (*input.shape[:2], *_out(windows))
    values, places = empty(shape, input.dtype), empty(shape, np.int64)
    plan.run(arranged(input), values, places, plan.spans)
    return values, places


def scatter(grad: Array, places: Array, space: Ints) -> Array:
    """Add each element of `grad` to its place in a plane of zeros; places are not checked."""
    plan = _plan("scatter", grad.dtype, (*grad.shape[:2], *space), grad.shape[2:])
    if plan is None:
        return _back(pooling.scatter(_planes(grad), _planes(places), space), grad)
    out = empty((*grad.shape[:2], *space), grad.dtype)
    plan.run(arranged(grad), arranged(places), out)
    return out


def average(input: Array, windows: Moves, divisor: Divisor | None = None) -> Array:
    """The mean of each window; `windows` as for `largest`, divisor: of those that move."""
    plan = _plan("average", input.dtype, input.shape, windows, divisor)
    if plan is None:
        planes = _planes(input)
        return _back(average_pooling.adaptive_average(planes, windows) if divisor is None else
                     average_pooling.average_pool(planes, windows, divisor), input)
    out = empty((*input.shape[:2], *_out(windows)), input.dtype)
    plan.run(arranged(input), out, plan.spans, plan.divisors)
    return out


def spread(grad: Array, windows: Moves, space: Ints, divisor: Divisor | None = None,
           ) -> Array:
    """The transpose of `average`, of a gradient in any order."""
    shape = (*grad.shape[:2], *space)
    plan = _plan("spread", grad.dtype, shape, windows, divisor)
    if plan is None:
        planes = _planes(grad)
        return _back(average_pooling.adaptive_average_backward(planes, space) if divisor is None
                     else average_pooling.average_pool_backward(planes, windows, divisor, space),
                     grad)
    out = empty(shape, grad.dtype)
    plan.run(arranged(grad), out, plan.spans, plan.divisors)
    return out


def _out(windows: Moves) -> Ints:
    return windows.out if isinstance(windows, Windows) else windows


def _planes(array: Array) -> Array:
    return contiguous(array).reshape(-1, *array.shape[2:])


def _back(planes: Array, like: Array) -> Array:
    return arranged(planes.reshape(*like.shape[:2], *planes.shape[1:]))


@lru_cache(maxsize=4096)
def _plan(name: str, dtype: np.dtype, shape: Ints, windows: Moves,
          divisor: Divisor | None = None) -> Plan | None:
    """What computes this, None where there is no kernel for it; `shape`: of the wider array."""
    (batch, channels, *rest), out = shape, _out(windows)
    space = tuple(rest)
    moving = isinstance(windows, Windows)
    if NAMES[dtype] not in TYPES or not prod(shape) or not prod(out) or (
            moving and max(windows.dilation) > 1):
        return None
    try:
        native = _method(name, NAMES[dtype])
    except Unavailable:
        return None
    spans = boxes.strided(space, windows) if moving else boxes.shared_out(space, out)
    if moving and divisor is not None:
        divisors = host.divisors(space, windows, *divisor)
    else:
        divisors = np.asarray(prod(np.ix_(*(np.array([b - a for a, b in s]) for s in spans))))
    blocks = -(-channels // BLOCK)
    seen = prod(sum(last - first for first, last in axis) for axis in spans)
    run = pooling.bound(native, batch * blocks, min(channels, BLOCK) * (seen // 4 + prod(out)),
                        (*boxes.numbers(space, out), channels, blocks))
    return Plan(run, boxes.table(spans), np.ascontiguousarray(divisors, dtype))


@lru_cache(maxsize=16)
def _method(name: str, kind: str) -> Any:
    return pooling.method(_KERNELS[name](kind))
