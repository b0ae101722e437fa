"""Pooling on the CPU: generated kernels for max pooling of floats, NumPy for the rest.

Arrays are (planes, *space): samples and channels folded into one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.pooling_ir import TYPES, max_pool_ir, scatter_ir
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Windows

CHUNK = 1 << 15  # elements: about the work for which waking a thread pays
RELEASE_ABOVE = 1 << 17  # elements from which other Python threads run meanwhile
_LARGEST_WINDOW = 64  # elements; larger windows are not unrolled, NumPy takes them
_LARGEST_PLANE = (1 << 31) - 1  # places are counted in 32 bits inside the kernel

_runs: dict[Any, Callable[..., Any]] = {}


def max_pool(input: np.ndarray, windows: Windows, with_places: bool
             ) -> tuple[np.ndarray, np.ndarray | None]:
    """The largest element of each window and, if asked, its place in the plane (int64)."""
    key = input.shape, input.dtype, windows, with_places
    run = _runs.get(key)
    if run is None:
        run = _remember(key, _forward(input, windows, with_places))
    if run is _host:
        values, places = host.max_pool(input, windows)
        return values, places if with_places else None
    shape = (input.shape[0], *windows.out)
    values = np.empty(shape, input.dtype)
    if not with_places:
        run(np.ascontiguousarray(input), values)
        return values, None
    places = np.empty(shape, np.int64)
    run(np.ascontiguousarray(input), values, places)
    return values, places


def scatter(grad: np.ndarray, places: np.ndarray, space: tuple[int, ...]) -> np.ndarray:
    """Add each element of `grad` to its place in a plane of zeros; places are not checked."""
    key = grad.shape, grad.dtype, space
    run = _runs.get(key)
    if run is None:
        run = _remember(key, _scatter(grad, space))
    if run is _host:
        return host.scatter(grad, places, space)
    out = np.empty((grad.shape[0], *space), grad.dtype)
    run(np.ascontiguousarray(grad), np.ascontiguousarray(places), out)
    return out


def _host(*arrays: np.ndarray) -> None:
    """Stands in the table for what NumPy computes."""


def _remember(key: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    if len(_runs) >= 4096:
        _runs.clear()
    _runs[key] = run
    return run


def _forward(input: np.ndarray, windows: Windows, with_places: bool) -> Callable[..., Any]:
    planes, space = input.shape[0], input.shape[1:]
    if len(space) == 1:  # a sequence is an image of height 1
        windows = Windows(*((low, *part) for low, part in zip((1, 1, 0, 1, 1), windows,
                                                              strict=True)))
        space = (1, *space)
    if (len(space) != 2 or input.dtype.name not in TYPES or prod(windows.size) > _LARGEST_WINDOW
            or prod(space) > _LARGEST_PLANE or input.size == 0):
        return _host
    try:
        method = _max_pool_method(windows._replace(out=()), input.dtype.name, with_places)
    except Unavailable:
        return _host
    (_, k), (_, s), (_, p), (_, d) = windows[:4]
    columns = windows.out[1]
    first = min(-(-p // s), columns)
    last = min(max((space[1] - 1 - (k - 1) * d + p) // s + 1, first), columns)
    return _bound(method, planes, max(prod(space), prod(windows.out) * prod(windows.size)),
                  (*space, *windows.out, first, last))


def _scatter(grad: np.ndarray, space: tuple[int, ...]) -> Callable[..., Any]:
    if grad.dtype.name not in TYPES or grad.size == 0:
        return _host
    try:
        method = _scatter_method(grad.dtype.name)
    except Unavailable:
        return _host
    numbers = prod(grad.shape[1:]), prod(space)
    return _bound(method, grad.shape[0], sum(numbers), numbers)


def _bound(method: Any, planes: int, work: int, numbers: tuple[int, ...]) -> Callable[..., Any]:
    """The builtin for so many planes of `work` elements each."""
    release = planes * work > RELEASE_ABOVE
    block = [planes, max(1, CHUNK // max(work, 1)), int(release), *numbers]
    return builtin.bind(method, np.array(block, np.int64))


@lru_cache(maxsize=256)
def _max_pool_method(windows: Windows, kind: str, with_places: bool) -> Any:
    return _method(max_pool_ir(windows, kind, with_places))


@lru_cache(maxsize=8)
def _scatter_method(kind: str) -> Any:
    return _method(scatter_ir(kind))


def _method(ir: str) -> Any:
    if not builtin.supported():
        raise Unavailable("array objects are laid out differently in this interpreter")
    imports = builtin.imports() | {"pool_run": pool_run_address()}
    return builtin.method(jit.load(ir, "call", imports=imports)[0])
