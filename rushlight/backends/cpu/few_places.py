"""Gathering and scattering few elements, each one native call that checks the index itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.cpu.few_arrays import FEW, compiled, few_ir, refuse
from rushlight.backends.cpu.scatter import ADDED, MOVED, nest_ir

Array = np.ndarray

LONG = np.dtype(np.int64)


class _Kernels(dict[Any, Any]):
    """The kernel of one mode ("gather", "scatter", "add") by dtype, compiled on first use.

    each: the index has a place for every element, else one for every slice.
    """

    def __init__(self, mode: str, each: bool) -> None:
        self.mode, self.each = mode, each

    def __missing__(self, dtype: np.dtype) -> Any:
        if self.mode == "add":
            kind, operation = ADDED.get(dtype.name, ("", ""))
        else:
            kind, operation = MOVED.get(dtype.itemsize, ""), ""
        served = kind and dtype.isnative
        nests = [nest_ir(self.mode, kind, operation, self.each, one)
                 for one in (False, True)] if served else ["", ""]
        ir = nests[0] + nests[1].split("!0 =")[0].replace("@nest(", "@nest_one(")
        made = self[dtype] = compiled(ir + few_ir(self.each, True, _NEST)) if served else refuse
        return made


_ARGUMENTS = """(ptr %data_big, ptr %data_index, ptr %data_small, i64 %n, i64 %k,
    i64 %inner, i64 0, i64 %outer, i64 0, i64 %k, i64 0, i64 %inner)"""
_NEST = f"""%single = icmp eq i64 %inner, 1
  br i1 %single, label %one, label %several
one:
  call void @nest_one{_ARGUMENTS}
  br label %finished
several:
  call void @nest{_ARGUMENTS}
  br label %finished
finished:"""
_GATHER, _TAKE = _Kernels("gather", True), _Kernels("gather", False)
_SCATTER, _ADD, _ADD_SLICES = (
    _Kernels("scatter", True), _Kernels("add", True), _Kernels("add", False))


def gather(array: Array, dim: int, index: Array) -> Array | None:
    """``array[i, index[i, j]]``; None where that is not for this kernel, or out of range."""
    if index.size > FEW or index.dtype is not LONG or type(dim) is not int:
        return None
    result = np.empty(index.shape, array.dtype)
    if dim < 0:
        dim += array.ndim
    return None if _GATHER[array.dtype](array, index, result, dim) else result


def take(array: Array, dim: int, index: Array) -> Array | None:
    """The slices along ``dim`` that the vector ``index`` names; None as for `gather`."""
    shape = array.shape
    if index.dtype is not LONG or index.size > FEW or type(dim) is not int:
        return None
    if dim < 0:
        dim += len(shape)
    if not 0 <= dim < len(shape) or array.size * index.size > FEW * shape[dim]:
        return None
    result = np.empty((*shape[:dim], index.size, *shape[dim + 1:]), array.dtype)
    return None if _TAKE[array.dtype](array, index, result, dim) else result


def scatter(target: Array, dim: int, index: Array, source: Array) -> bool:
    """Write ``source[i, j]`` to ``target[i, index[i, j]]``; False, with nothing done, else."""
    return _write(_SCATTER, target, dim, index, source)


def scatter_add(target: Array, dim: int, index: Array, source: Array) -> bool:
    """Add ``source[i, j]`` to ``target[i, index[i, j]]``; False, with nothing done, else."""
    return _write(_ADD, target, dim, index, source)


def index_add(target: Array, dim: int, index: Array, source: Array) -> bool:
    """Add the slices of ``source`` to those that ``index`` names; False, nothing done, else."""
    return _write(_ADD_SLICES, target, dim, index, source)


def _write(kernels: _Kernels, target: Array, dim: int, index: Array, source: Array) -> bool:
    return (source.size <= FEW and index.dtype is LONG and source.dtype is target.dtype
            and type(dim) is int and not kernels[target.dtype](
                target, index, source, dim if dim >= 0 else dim + target.ndim))
