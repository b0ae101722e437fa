"""Triangles of few matrices, copied and cleared row by row in one builtin call."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.once import Unavailable

SMALL = 1 << 15  # bytes up to which holding the interpreter's lock costs nobody anything


def triangle(array: np.ndarray, diagonal: int, upper: bool) -> np.ndarray | None:
    """The elements on and above (`upper`) or on and below a diagonal of each matrix, zeros
    elsewhere; None where this does not serve."""
    if not 0 < array.nbytes <= SMALL or not array.flags.c_contiguous or array.dtype.kind not in (
            "biufcV"):
        return None
    height, width = array.shape[-2:]
    run = _run(array.size // (height * width), height, width, array.itemsize, diagonal, upper)
    if run is None:
        return None
    result = np.empty(array.shape, array.dtype)
    run(array, result)
    return result


@lru_cache(maxsize=1024)
def _run(matrices: int, height: int, width: int, size: int, diagonal: int, upper: bool) -> Any:
    made = _triangle()
    # The first column after what stays below, or that stays above.
    first = max(-height - 1, min(width + 1, diagonal if upper else diagonal + 1))
    return made and builtin.bind(made, np.array([matrices, height, width, size, first, upper]))


@cache
def _triangle() -> Any:
    if not builtin.supported():
        return None
    try:
        (address,) = jit.load(_IR, "triangle", imports=builtin.imports())
    except Unavailable:
        return None
    return builtin.method(address)


_NAMES = ("matrices", "height", "width", "size", "first", "upper")
_LOADS = "\n  ".join(builtin.loaded(name, k, False) for k, name in enumerate(_NAMES))
_IR = f"""{builtin.DECLARATIONS}
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define ptr @triangle(ptr %self, ptr %arrays, i64 %count) nounwind {{
entry:
  %slot = getelementptr i8, ptr %self, i64 {builtin.DATA}
  %table = load ptr, ptr %slot
  {_LOADS}
  %from = load ptr, ptr %arrays
  %from_slot = getelementptr i8, ptr %from, i64 {builtin.DATA}
  %source = load ptr, ptr %from_slot
  %second = getelementptr ptr, ptr %arrays, i64 1
  %to = load ptr, ptr %second
  %to_slot = getelementptr i8, ptr %to, i64 {builtin.DATA}
  %target = load ptr, ptr %to_slot
  %rows = mul i64 %matrices, %height
  %bytes = mul i64 %width, %size
  %above = icmp ne i64 %upper, 0
  br label %row
row:
  %r = phi i64 [0, %entry], [%next, %row]
  %i = urem i64 %r, %height
  %column = add i64 %i, %first
  %some = call i64 @llvm.smax.i64(i64 %column, i64 0)
  %border = call i64 @llvm.smin.i64(i64 %some, i64 %width)
  %left = mul i64 %border, %size
  %right = sub i64 %bytes, %left
  %begin = mul i64 %r, %bytes
  %middle = add i64 %begin, %left
  %kept = select i1 %above, i64 %middle, i64 %begin
  %kept_bytes = select i1 %above, i64 %right, i64 %left
  %cleared = select i1 %above, i64 %begin, i64 %middle
  %cleared_bytes = select i1 %above, i64 %left, i64 %right
  %kept_from = getelementptr i8, ptr %source, i64 %kept
  %kept_to = getelementptr i8, ptr %target, i64 %kept
  call void @llvm.memcpy.p0.p0.i64(ptr %kept_to, ptr %kept_from, i64 %kept_bytes, i1 false)
  %cleared_to = getelementptr i8, ptr %target, i64 %cleared
  call void @llvm.memset.p0.i64(ptr %cleared_to, i8 0, i64 %cleared_bytes, i1 false)
  %next = add i64 %r, 1
  %more = icmp slt i64 %next, %rows
  br i1 %more, label %row, label %done
done:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}
"""
