"""Which code gathers and scatters: generated and parallel where it serves, else NumPy.

Both give the same results, to the last bit: additions to one place happen in one order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends import masks
from rushlight.backends.host import scatter as host
from rushlight.backends.memory_order import arranged_as
from rushlight.base import index as rules
from rushlight.base.first_use import Deferred
from rushlight.families.kernels import fitting

if TYPE_CHECKING:
    from rushlight.backends.cpu import few_places as few
    from rushlight.backends.cpu import scatter as cpu
    from rushlight.backends.cpu import segments
else:
    few = Deferred("rushlight.backends.cpu.few_places", globals())
    cpu = Deferred("rushlight.backends.cpu.scatter", globals())
    segments = Deferred("rushlight.backends.cpu.segments", globals())

Array = np.ndarray

FEW = 64  # indices for which looking closer costs more than it gains

FUNCTIONS = host.FUNCTIONS
outside = host.outside
slices = host.slices
scatter_reduce = host.scatter_reduce
scatter_with = host.scatter_with


def gather(array: Array, dim: int, index: Array) -> Array:
    """``array[i, index[i, j]]`` of the shape of ``index``, for ``dim=1``."""
    result = cpu.gather(array, dim, index)
    return host.gather(array, dim, index) if result is None else result


def take(array: Array, dim: int, index: Array) -> Array:
    """The slices along ``dim`` that the vector ``index`` names."""
    result = cpu.take(array, dim, index)
    return array.take(index, dim) if result is None else result


def scatter(target: Array, dim: int, index: Array, source: Array) -> None:
    """Write ``source[i, j]`` to ``target[i, index[i, j]]``, for ``dim=1``."""
    if not cpu.scatter(target, dim, index, source, add=False):
        host.scatter(target, dim, index, source)


def scatter_add(target: Array, dim: int, index: Array, source: Array) -> None:
    """Add ``source[i, j]`` to ``target[i, index[i, j]]``, for ``dim=1``."""
    if not cpu.scatter(target, dim, index, source, add=True):
        host.scatter_with(np.add, target, dim, index, source)


def index_add(target: Array, dim: int, index: Array, source: Array) -> None:
    """Add the slices of ``source`` along ``dim`` to those that the vector ``index`` names."""
    if dim == 0 and segments.add(target, index, source):
        return
    if not cpu.index_add(target, dim, index, source):
        host.index_add(target, dim, index, source)


def totals(rows: int, index: Array, source: Array) -> Array:
    """Zeros (rows, *) with each slice of ``source`` added to the row that ``index`` names."""
    result = segments.total(rows, index, source)
    if result is None:
        result = np.zeros((rows, *source.shape[1:]), source.dtype)
        if index.size:
            index_add(result, 0, index, source)
    return result


def pick(array: Array, advanced: tuple[Any, ...]) -> Array:
    """``array[advanced]`` for an advanced key, in a new array."""
    index, dim = advanced[-1], len(advanced) - 1
    if not dim and index.dtype == np.bool_ and index.shape == array.shape:
        return masks.take(array, index)
    if (index.size >= FEW and index.dtype != np.bool_ and array.ndim > 1
            and rules.only_last(advanced)):
        found = _in_range(index, array.shape[dim])
        if found is not None:
            taken = cpu.take(array, dim, found)
            if taken is not None:
                return taken.reshape(array.shape[:dim] + index.shape + array.shape[dim + 1:])
    return _laid_out(rules.pick(array, advanced), array, advanced)


def _laid_out(picked: Array, array: Array, advanced: tuple[Any, ...]) -> Array:
    """`picked` in the order of memory that torch gives it: NumPy puts picked places outermost."""
    if array.flags.c_contiguous or picked.ndim < 2:
        return picked if picked.flags.c_contiguous else picked.copy("C")
    rest, places, dim = [], [], 0  # dimensions that stay; where in the key the others are
    for place, part in enumerate(advanced):
        if part is rules.WHOLE:
            rest.append(dim)
        else:
            places.append(place)
        dim += part.ndim if part is not rules.WHOLE and part.dtype == np.bool_ else 1
    rest += range(dim, array.ndim)
    adjacent = places[-1] - places[0] == len(places) - 1
    strides = [array.strides[d] for d in rest]
    strides[places[0] * adjacent:places[0] * adjacent] = [0] * (picked.ndim - len(rest))
    return arranged_as(picked, tuple(strides))


def accumulate(array: Array, advanced: tuple[Any, ...], value: Array) -> None:
    """``array[advanced] += value``, repeated places adding up in the order of the values."""
    index, dim = advanced[-1], len(advanced) - 1
    if dim == 0 and few.index_add(array, 0, index, value):
        return
    many = value.size >= cpu.SMALLEST and index.dtype != np.bool_
    if many and all(part is rules.WHOLE for part in advanced[:-1]):
        found = _in_range(index, array.shape[dim])
        before, after = array.shape[:dim], array.shape[dim + 1 :]
        if found is not None and value.shape == before + index.shape + after:
            if dim == 0 and segments.add(array, found, value.reshape(index.size, *after)):
                return
            flat = value.reshape(math.prod(before), index.size, *after)
            if array.flags.c_contiguous and cpu.index_add(
                array.reshape(-1, *array.shape[dim:]), 1, found, flat
            ):
                return
    rules.accumulate(array, advanced, value)


def write(array: Array, index: Any, value: Any) -> None:
    """``array[index] = value``, as `rules.write` does it."""
    if (isinstance(index, np.ndarray) and index.dtype == np.bool_ and index.shape == array.shape
            and not isinstance(value, np.ndarray)):
        masks.fill(array, index, fitting(value, array.dtype))
    else:
        rules.write(array, index, value)


def put_at_zeros(zeros: Array, advanced: tuple[Any, ...], value: Array) -> None:
    """`accumulate` to an array of zeros."""
    index = advanced[-1]
    if len(advanced) == 1 and index.dtype == np.bool_:
        masks.put(zeros, index, value)
    else:
        accumulate(zeros, advanced, value)


def _in_range(index: Array, size: int) -> Array | None:
    """The index as a vector counted from the front; None where part of it is out of range."""
    index = index.reshape(-1)
    if host.outside(index, size) is None:
        return index
    index = np.where(index < 0, index + size, index)
    return index if host.outside(index, size) is None else None
