"""Sums of slices that an index sends to the rows of a table: index_add, gradients of look-ups.

The slices are first ordered by their row, by counting. Then threads share out the rows: each row
takes its slices in the order of the index, while it lies in the nearest cache, and is written to
memory once. So every sum is taken in one order, whatever the number of threads.
"""

from __future__ import annotations

import ctypes
import math
import struct
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import jit, threads
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.scatter import ADDED
from rushlight.backends.memory import recycle
from rushlight.base.dtypes import NAMES

Array = np.ndarray

LARGE = 1 << 15  # elements of all slices from which ordering them first pays
ROWS = 64  # rows of the table from which threads can share them
WIDTH = 16  # elements of a slice from which its additions outweigh the ordering
GRAIN = 1 << 14  # elements that a thread takes at a time
PACK = struct.Struct("10q").pack


def add(target: Array, index: Array, source: Array) -> bool:
    """Add slice j of ``source`` (k, *) to ``target[index[j]]``; False where that is not for this
    kernel. Indices are in range."""
    return _suits(target.shape, target.dtype, index, source) and target.flags.c_contiguous and (
        _run(target, index, source, fresh=False))


def total(rows: int, index: Array, source: Array) -> Array | None:
    """What `add` makes of a table of zeros, (rows, *); None where that is not for this kernel."""
    shape = (rows, *source.shape[1:])
    if not _suits(shape, source.dtype, index, source):
        return None
    recycle()
    result = np.empty(shape, source.dtype)
    return result if _run(result, index, source, fresh=True) else None


def _suits(shape: tuple[int, ...], dtype: np.dtype, index: Array, source: Array) -> bool:
    return (source.dtype == dtype and dtype.isnative and NAMES[dtype] in ADDED
            and source.shape == (index.size, *shape[1:]) and shape[0] >= ROWS
            and source.size >= LARGE and math.prod(shape[1:]) >= WIDTH)


def _slices(source: Array) -> Array:
    """The slices, each contiguous in memory; those of a number that was broadcast are one."""
    if not any(source.strides):
        return np.broadcast_to(np.ascontiguousarray(source[0]), source.shape)
    return source if source[0].flags.c_contiguous else np.ascontiguousarray(source)


def _run(target: Array, index: Array, source: Array, fresh: bool) -> bool:
    kernel = _kernel(target.dtype)
    if kernel is None:
        return False
    index, source = np.ascontiguousarray(index.reshape(-1), np.int64), _slices(source)
    rows, inner = target.shape[0], math.prod(target.shape[1:])
    ends, order = np.zeros(rows, np.int64), np.empty(index.size, np.int64)
    table = PACK(target.ctypes.data, source.ctypes.data, index.ctypes.data, ends.ctypes.data,
                 order.ctypes.data, rows, index.size, inner, source.strides[0], fresh)
    kernel(table, max(1, GRAIN // inner))
    return True


@cache
def _kernel(dtype: np.dtype) -> Any:
    try:
        (address,) = jit.load(segments_ir(*ADDED[NAMES[dtype]], dtype.itemsize), "segments",
                              imports={"pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int64)(address)


def segments_ir(kind: str, operation: str, size: int) -> str:
    """`segments(table, grain)`."""
    names = ("target", "source", "index", "ends", "order", "rows", "k", "inner", "stride", "fresh")
    loads = "\n".join(
        f"  %at_{name} = getelementptr i64, ptr %table, i64 {i}\n"
        f"  %{name} = load {'ptr' if i < 5 else 'i64'}, ptr %at_{name}, align 1"
        for i, name in enumerate(names))
    return f"""
declare void @pool_run(ptr, ptr, i64, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define internal void @task(ptr %table, i64 %begin, i64 %end) nounwind {{
entry:
{loads}
  %bytes = mul i64 %inner, {size}
  %is_fresh = icmp ne i64 %fresh, 0
  br label %row
row:
  %r = phi i64 [%begin, %entry], [%r_next, %row_end]
  %more_rows = icmp slt i64 %r, %end
  br i1 %more_rows, label %begin_row, label %done
begin_row:
  %before = sub i64 %r, 1
  %at_before = getelementptr i64, ptr %ends, i64 %before
  %is_first = icmp eq i64 %r, 0
  %read = select i1 %is_first, ptr %ends, ptr %at_before
  %end_before = load i64, ptr %read, align 8
  %from = select i1 %is_first, i64 0, i64 %end_before
  %at_end = getelementptr i64, ptr %ends, i64 %r
  %to = load i64, ptr %at_end, align 8
  %offset = mul i64 %r, %bytes
  %row_at = getelementptr i8, ptr %target, i64 %offset
  br i1 %is_fresh, label %clear, label %slices
clear:
  call void @llvm.memset.p0.i64(ptr %row_at, i8 0, i64 %bytes, i1 false)
  br label %slices
slices:
  %any = icmp slt i64 %from, %to
  br i1 %any, label %slice, label %row_end
slice:
  %s = phi i64 [%from, %slices], [%s_next, %slice_end]
  %at_place = getelementptr i64, ptr %order, i64 %s
  %place = load i64, ptr %at_place, align 8
  %slice_offset = mul i64 %place, %stride
  %slice_at = getelementptr i8, ptr %source, i64 %slice_offset
  br label %each
each:
  %c = phi i64 [0, %slice], [%c_next, %each]
  %at_x = getelementptr {kind}, ptr %slice_at, i64 %c
  %x = load {kind}, ptr %at_x, align {size}, !llvm.access.group !900
  %at_y = getelementptr {kind}, ptr %row_at, i64 %c
  %y = load {kind}, ptr %at_y, align {size}, !llvm.access.group !900
  %sum = {operation} {kind} %y, %x
  store {kind} %sum, ptr %at_y, align {size}, !llvm.access.group !900
  %c_next = add nuw nsw i64 %c, 1
  %c_more = icmp slt i64 %c_next, %inner
  br i1 %c_more, label %each, label %slice_end, !llvm.loop !901
slice_end:
  %s_next = add i64 %s, 1
  %s_more = icmp slt i64 %s_next, %to
  br i1 %s_more, label %slice, label %row_end
row_end:
  %r_next = add i64 %r, 1
  br label %row
done:
  ret void
}}

define void @segments(ptr %table, i64 %grain) nounwind {{
entry:
{loads}
  br label %count
count:
  %i = phi i64 [0, %entry], [%i_next, %count]
  %at_i = getelementptr i64, ptr %index, i64 %i
  %v = load i64, ptr %at_i, align 8
  %at_v = getelementptr i64, ptr %ends, i64 %v
  %often = load i64, ptr %at_v, align 8
  %oftener = add i64 %often, 1
  store i64 %oftener, ptr %at_v, align 8
  %i_next = add nuw nsw i64 %i, 1
  %i_more = icmp slt i64 %i_next, %k
  br i1 %i_more, label %count, label %starts
starts:
  %r = phi i64 [0, %count], [%r_next, %starts]
  %start = phi i64 [0, %count], [%start_next, %starts]
  %at_r = getelementptr i64, ptr %ends, i64 %r
  %many = load i64, ptr %at_r, align 8
  store i64 %start, ptr %at_r, align 8
  %start_next = add i64 %start, %many
  %r_next = add nuw nsw i64 %r, 1
  %r_more = icmp slt i64 %r_next, %rows
  br i1 %r_more, label %starts, label %put
put:
  %j = phi i64 [0, %starts], [%j_next, %put]
  %at_j = getelementptr i64, ptr %index, i64 %j
  %w = load i64, ptr %at_j, align 8
  %at_w = getelementptr i64, ptr %ends, i64 %w
  %at = load i64, ptr %at_w, align 8
  %to = getelementptr i64, ptr %order, i64 %at
  store i64 %j, ptr %to, align 8
  %after = add i64 %at, 1
  store i64 %after, ptr %at_w, align 8
  %j_next = add nuw nsw i64 %j, 1
  %j_more = icmp slt i64 %j_next, %k
  br i1 %j_more, label %put, label %share
share:
  call void @pool_run(ptr @task, ptr %table, i64 %rows, i64 %grain)
  ret void
}}

!900 = distinct !{{}}
!901 = distinct !{{!901, !902, !903}}
!902 = !{{!"llvm.loop.parallel_accesses", !900}}
!903 = !{{!"llvm.loop.vectorize.enable", i1 true}}
"""
