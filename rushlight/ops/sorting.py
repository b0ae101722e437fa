"""Order along a dimension: sort, argsort, topk, kthvalue, median, mode.

All rest on one stable order in which NaN is the greatest. The gradient of a chosen value goes to
the place it came from.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.memory_order import arranged
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim
from rushlight.base.structure import structure
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.families.node_names import called, named
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import few_order as few
    from rushlight.backends.cpu import middle
    from rushlight.backends.cpu import most_frequent as frequent
    from rushlight.backends.cpu import order as kernels
    from rushlight.backends.host import order as host
else:
    few = Deferred("rushlight.backends.cpu.few_order", globals())
    middle = Deferred("rushlight.backends.cpu.middle", globals())
    frequent = Deferred("rushlight.backends.cpu.most_frequent", globals())
    kernels = Deferred("rushlight.backends.cpu.order", globals())
    host = Deferred("rushlight.backends.host.order", globals())

Array = np.ndarray
Option = Any

LONG = np.dtype(np.int64)
MANY = 32  # times as long as a list of the smallest is a row for which that list is the fastest way


def first(input: Array, count: int, dim: int, descending: bool) -> tuple[Array, Array]:
    """Values and places of the first `count` elements in order along `dim`."""
    if is_meta(input):
        return chosen(input, None, count, dim)
    return (few.first(input, count, dim, descending)
            or kernels.first(input, count, dim, descending)
            or chosen(input, lambda rows: host.first(rows, count, descending), count, dim))


def chosen(input: Array, places: Any, count: int, dim: int) -> tuple[Array, Array]:
    """Values and indices of `count` chosen elements along `dim`.

    places: from the array with that dimension last to the indices, of which it gives `count`.
    """
    if is_meta(input):
        shape = tuple(count if i == dim else n for i, n in enumerate(input.shape))
        return MetaArray(shape, input.dtype), MetaArray(shape, LONG)
    rows = input.reshape(1) if input.ndim == 0 else np.moveaxis(input, dim, -1)
    index = places(rows)
    values = np.take_along_axis(rows, index, -1)
    if input.ndim == 0:
        return values.reshape(()), index.reshape(())
    return (np.ascontiguousarray(np.moveaxis(values, -1, dim)),
            np.ascontiguousarray(np.moveaxis(index, -1, dim)))


class _Choice:
    """What ops share that give chosen elements along a dimension, and their indices."""

    outputs = 2
    differentiable = (0,)

    def backward(gradient, output1, shape, dim):
        values = gradient[0]
        return values.new_zeros(shape).scatter(dim, output1, values) if shape else values


@library("_sort", family="sorting")
class _sort(_Choice):
    """All elements in order along `dim`."""

    structure = structure("sort", "values indices")
    backward = _Choice.backward

    def forward(input, dim: Option, descending: Option):
        found = first(input, input.shape[dim] if input.ndim else 1, dim, descending)
        if is_meta(input) or input.flags.c_contiguous:
            return found
        return arranged(found[0], (input,)), arranged(found[1], (input,))


@library("_topk", family="sorting")
class _topk(_Choice):
    """The first `k` elements in order along `dim`."""

    structure = structure("topk", "values indices")
    backward = _Choice.backward

    def forward(input, k: Option, dim: Option, largest: Option):
        return first(input, k, dim, largest)


@library("_kth", family="sorting")
class _kth(_Choice):
    """The `k`-th element in order along `dim`, counted from 1, which stays with size 1."""

    backward = _Choice.backward

    def forward(input, k: Option, dim: Option):
        return _nth(input, k - 1, dim)


def _nth(input: Array, position: int, dim: int) -> tuple[Array, Array]:
    """Value and place of the element at `position` of the ascending order."""
    found = None if is_meta(input) else few.first(input, position + 1, dim, False)
    if found:
        return _at(found, dim, position)
    if not is_meta(input) and input.ndim and position > input.shape[dim] // MANY:
        found = middle.element(input, dim, middle.AT, position)
        if found:
            return found
    return (None if is_meta(input) else kernels.nth(input, position, dim)) or chosen(
        input, lambda rows: host.nth(rows, position), 1, dim)


def _at(found: tuple[Array, Array], dim: int, position: int) -> tuple[Array, Array]:
    """One of the values along `dim` and its place, which keep that dimension."""
    part = (slice(None),) * dim + (slice(position, position + 1),)
    return found[0][part].copy(), found[1][part].copy()


@library("_middle", family="sorting")
class _middle(_Choice):
    """The lower median along `dim`, which stays with size 1; NaN wins, or is passed over."""

    backward = _Choice.backward

    def forward(input, dim: Option, skip: Option):
        return _median_along(input, dim, skip)


@library("_middle_of_all", family="sorting")
class _middle_of_all:
    """The lower median of all elements, and its place among them in row-major order."""

    outputs = 2
    differentiable = (0,)

    def forward(input, skip: Option):
        if is_meta(input):
            return MetaArray((), input.dtype), MetaArray((), LONG)
        value, place = _median_along(input.reshape(-1), 0, skip)
        return value.reshape(()), place.reshape(())

    def backward(gradient, output1, shape):
        value = gradient[0]
        flat = value.new_zeros(math.prod(shape))
        return flat.scatter(0, output1.reshape(1), value.reshape(1)).reshape(shape)


def _median_along(input: Array, dim: int, skip: bool) -> tuple[Array, Array]:
    way = middle.NANMEDIAN if skip else middle.MEDIAN
    found = None if is_meta(input) else middle.element(input, dim, way)
    if found:
        return found
    if not is_meta(input) and not (input.dtype.kind in "fV" and np.isnan(input).any()):
        return _nth(input, (input.shape[dim] - 1) // 2 if input.ndim else 0, dim)
    return chosen(input, lambda rows: _middle_places(rows, skip), 1, dim)


def _middle_places(rows: Array, skip: bool) -> Array:
    n = rows.shape[-1]
    holes = np.isnan(rows).sum(-1, keepdims=True) if rows.dtype.kind in "fV" else np.zeros(1)
    if not holes.any():
        return host.nth(rows, (n - 1) // 2)
    place = np.maximum(n - holes - 1, 0) // 2
    if not skip:  # the first NaN stands behind all numbers
        place = np.where(holes > 0, n - holes, place)
    return np.take_along_axis(host.order(rows), place, -1)


@library("_commonest", family="sorting")
class _commonest(_Choice):
    """The most frequent element along `dim`, which stays with size 1."""

    backward = _Choice.backward

    def forward(input, dim: Option):
        found = None if is_meta(input) else frequent.most_frequent(input, dim)
        return found or chosen(input, host.most_frequent, 1, dim)


def _flag(op: str, name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{op}() received an invalid combination of arguments: {name} must be "
                        f"bool, not {type(value).__name__}")
    return value


def _dim(op: str, input: Tensor, dim: Any) -> int:
    n = input._array.ndim
    if type(dim) is int and -n <= dim < n:
        return dim if dim >= 0 else dim + n
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"{op}() received an invalid combination of arguments: dim must be int, "
                        f"not {type(dim).__name__}")
    return normalize_dim(dim, n)


@composite("sort")
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = False, *,
         out: Any = None, axis: Any = None) -> Any:
    """(values, indices) of the elements in ascending order along `dim`; NaN comes last.

    descending: the reverse order. stable: accepted, equal elements always keep their order.

    >>> import rushlight as rl
    >>> values, indices = rl.sort(rl.tensor([3., 1., 2.]))
    >>> values, indices
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
    dim = _dim("sort", input, dim if axis is None else axis)
    if input._array.dtype.kind == "c":
        raise RuntimeError(" Sort does not support complex dtypes on CPU: "
                           f"sort({operands(input=input)}); sort its real part or abs()")
    return _sort(input, dim, _flag("sort", "descending", descending), out=out)


@composite("argsort", out=True)
def argsort(input: Tensor, dim: int = -1, descending: bool = False,
            stable: bool | None = False) -> Tensor:
    """The indices that sort the elements along `dim`: see sort.

    >>> import rushlight as rl
    >>> rl.argsort(rl.tensor([3., 1., 2.]))
    tensor([1, 2, 0])
    """
    return sort(input, dim, descending)[1]


@composite("msort", out=True)
def msort(input: Tensor) -> Tensor:
    """The elements in ascending order along dimension 0.

    Unlike torch, equal elements keep their order, so that their gradients do.
    """
    return sort(input, 0)[0]


@composite("topk", samples=lambda x: [(x(2, 5), 2), (x(3, 2), 1, 0, False)])
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *,
         out: Any = None, axis: Any = None) -> Any:
    """(values, indices) of the k largest (or smallest) elements along `dim`, in order.

    k: from 0 to the size of `dim`. sorted: accepted, the results are always in order.
    Raises RuntimeError for k out of range.

    Unlike torch, of equal elements those that stand first are taken, on every run.

    >>> import rushlight as rl
    >>> rl.topk(rl.tensor([3., 1., 2.]), 2).values
    tensor([3., 2.])
    """
    dim = _dim("topk", input, dim if axis is None else axis)
    array = input._array
    size = array.shape[dim] if array.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"selected index k out of range: k is {k}, the size of dimension {dim} "
                           f"of input ({operands(input=input)}) is {size}")
    if array.dtype.kind in "cb":
        kind = "complex" if input.dtype.is_complex else "bool"
        raise RuntimeError(f"topk does not support {kind} dtypes on CPU; convert it with "
                           ".to(dtype)")
    return _topk(input, int(k), dim, _flag("topk", "largest", largest), out=out)


def _one(op: Any, input: Tensor, dim: int, keepdim: bool, result: Any, *extra: Any) -> Any:
    """(values, indices) of an op that chooses one element along `dim`."""
    if input.ndim and not input._array.shape[dim]:
        raise IndexError(f"{result.__name__}(): Expected reduction dim {dim} to have non-zero "
                         f"size, but input is {operands(input=input)}")
    values, indices = op(input, *extra)
    if input.ndim and not keepdim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return result(values, indices)


def _ordered(op: str, input: Tensor) -> None:
    if input.dtype.is_complex or input.dtype is dtypes.bool_:
        raise NotImplementedError(f"\"{op}_cpu\" not implemented for '{title(input.dtype)}'; "
                                  "convert it with .to(dtype)")


KTHVALUE = structure("kthvalue", "values indices")
MEDIAN = structure("median", "values indices")
NANMEDIAN = structure("nanmedian", "values indices")
MODE = structure("mode", "values indices")


@composite("kthvalue", out=True, samples=lambda x: [(x(2, 5), 2), (x(3, 2), 1, 0, True)])
@called("Kthvalue")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the k-th smallest element along `dim`, k counted from 1.

    >>> import rushlight as rl
    >>> rl.kthvalue(rl.tensor([3., 1., 2.]), 2).values
    tensor(2.)
    """
    dim = normalize_dim(dim, input.ndim)
    size = input._array.shape[dim] if input.ndim else 1
    if size and not 1 <= k <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: k is "
                           f"{k}, the size is {size}")
    _ordered("kthvalue", input)
    return _one(_kth, input, dim, keepdim, KTHVALUE, int(k), dim)


def _median(input: Tensor, dim: Any, keepdim: bool, skip: bool, result: Any) -> Any:
    _ordered("median", input)
    if dim is not None:
        dim = normalize_dim(dim, input.ndim)
        name = "NanmedianBackward1" if skip else "MedianBackward1"
        return named(_one(_middle, input, dim, keepdim, result, dim, skip), name)
    if not input._array.size:
        return input.new_full((), float("nan")) if input.dtype.is_floating_point else (
            input.new_full((), dtypes.iinfo(input.dtype).min))  # type: ignore[attr-defined]
    return named(_middle_of_all(input, skip)[0], "Nanmedian" if skip else "Median")


@composite("median", out=True)
def median(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The median, the lower one of an even number; with `dim` (values, indices) along it.

    NaN where there is one.

    >>> import rushlight as rl
    >>> rl.median(rl.tensor([4., 1., 3., 2.]))
    tensor(2.)
    """
    return _median(input, dim, keepdim, False, MEDIAN)


@composite("nanmedian", out=True)
def nanmedian(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The median of what is not NaN: see median.

    >>> import rushlight as rl
    >>> rl.nanmedian(rl.tensor([1., float("nan"), 3.]))
    tensor(1.)
    """
    return _median(input, dim, keepdim, True, NANMEDIAN)


@composite("mode", out=True)
@called("Mode")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the most frequent element along `dim`, the smallest of equals.

    >>> import rushlight as rl
    >>> rl.mode(rl.tensor([1, 2, 2, 3])).values
    tensor(2)
    """
    if input.dtype.is_complex:
        raise NotImplementedError(f"\"mode_cpu\" not implemented for '{title(input.dtype)}'")
    dim = normalize_dim(dim, input.ndim)
    return _one(_commonest, input, dim, keepdim, MODE, dim)
