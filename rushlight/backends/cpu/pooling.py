"""Pooling on the CPU: generated kernels for max pooling of floats, NumPy for the rest.

Arrays are (planes, *space): samples and channels folded into one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.cpu import boxes, builtin, jit
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.largest_ir import largest_ir
from rushlight.backends.cpu.pooling_ir import TYPES, max_pool_ir, scatter_ir
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Ints, Windows
from rushlight.base.dtypes import NAMES

CHUNK = 1 << 15  # elements: about the work for which waking a thread pays
RELEASE_ABOVE = 1 << 17  # elements from which other Python threads run meanwhile
_LARGEST_WINDOW = 64  # elements; larger windows are not unrolled, NumPy takes them
_WIDE = 16  # elements of a window from which looking for a larger one is worth a branch
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
        values, places = _largest_of_boxes(input, windows)
        return values, places if with_places else None
    shape = (input.shape[0], *windows.out)
    values = np.empty(shape, input.dtype)
    if not with_places:
        run(np.ascontiguousarray(input), values)
        return values, None
    places = np.empty(shape, np.int64)
    run(np.ascontiguousarray(input), values, places)
    return values, places


def adaptive_max(input: np.ndarray, out: Ints) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each of `out` evenly shared windows, and its place in the plane."""
    if prod(out) == 1:  # NumPy's argmax of a row looks at many elements at a time
        return host.adaptive_max(input, out)
    plan = _boxes(input.dtype, input.shape[0], input.shape[1:], out)
    return host.adaptive_max(input, out) if plan is None else _largest(plan, input, out)


def _largest_of_boxes(input: np.ndarray, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """`max_pool` for windows that no kernel is unrolled for."""
    plan = _boxes(input.dtype, input.shape[0], input.shape[1:], windows)
    if plan is None:
        return host.max_pool(input, windows)
    return _largest(plan, input, windows.out)


def _largest(plan: tuple[Any, np.ndarray], input: np.ndarray, out: Ints
             ) -> tuple[np.ndarray, np.ndarray]:
    values = np.empty((input.shape[0], *out), input.dtype)
    places = np.empty(values.shape, np.int64)
    run, spans = plan
    run(np.ascontiguousarray(input), values, places, spans)
    return values, places


@lru_cache(maxsize=4096)
def _boxes(dtype: np.dtype, planes: int, space: Ints, windows: Windows | Ints
           ) -> tuple[Any, np.ndarray] | None:
    """A kernel and the table it reads, None where only NumPy will do; `windows` or extents."""
    if isinstance(windows, Windows):
        out, dilation = windows.out, windows.dilation
    else:
        out, dilation = windows, (1,)
    if NAMES[dtype] not in TYPES or not planes or not prod(space) or not prod(out) or max(
            dilation) > 1:
        return None
    spans = boxes.strided(space, windows) if isinstance(windows, Windows) else boxes.shared_out(
        space, out)
    seen = prod(sum(last - first for first, last in axis) for axis in spans)
    try:
        native = _largest_method(NAMES[dtype], seen > _WIDE * prod(out))
    except Unavailable:
        return None
    return bound(native, planes, 2 * seen, boxes.numbers(space, out)), boxes.table(spans)


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
    if (len(space) != 2 or NAMES[input.dtype] not in TYPES or prod(windows.size) > _LARGEST_WINDOW
            or prod(space) > _LARGEST_PLANE or input.size == 0):
        return _host
    try:
        method = _max_pool_method(windows._replace(out=()), NAMES[input.dtype], with_places)
    except Unavailable:
        return _host
    (_, k), (_, s), (_, p), (_, d) = windows[:4]
    columns = windows.out[1]
    first = min(-(-p // s), columns)
    last = min(max((space[1] - 1 - (k - 1) * d + p) // s + 1, first), columns)
    return bound(method, planes, max(prod(space), prod(windows.out) * prod(windows.size)),
                  (*space, *windows.out, first, last))


def _scatter(grad: np.ndarray, space: tuple[int, ...]) -> Callable[..., Any]:
    if NAMES[grad.dtype] not in TYPES or grad.size == 0:
        return _host
    try:
        method = _scatter_method(NAMES[grad.dtype])
    except Unavailable:
        return _host
    numbers = prod(grad.shape[1:]), prod(space)
    return bound(method, grad.shape[0], sum(numbers), numbers)


def bound(method: Any, planes: int, work: int, numbers: tuple[int, ...]) -> Callable[..., Any]:
    """The builtin for so many planes of `work` elements each."""
    release = planes * work > RELEASE_ABOVE
    block = [planes, max(1, CHUNK // max(work, 1)), int(release), *numbers]
    return builtin.bind(method, np.array(block, np.int64))


@lru_cache(maxsize=256)
def _max_pool_method(windows: Windows, kind: str, with_places: bool) -> Any:
    return method(max_pool_ir(windows, kind, with_places))


@lru_cache(maxsize=8)
def _largest_method(kind: str, wide: bool) -> Any:
    return method(largest_ir(kind, wide))


@lru_cache(maxsize=8)
def _scatter_method(kind: str) -> Any:
    return method(scatter_ir(kind))


def method(ir: str) -> Any:
    """The definition of the builtin function that `ir` makes."""
    if not builtin.supported():
        raise Unavailable("array objects are laid out differently in this interpreter")
    imports = builtin.imports() | {"pool_run": pool_run_address()}
    return builtin.method(jit.load(ir, "call", imports=imports)[0])
