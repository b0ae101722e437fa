"""Gathering and scattering along one dimension in generated code, in parallel, deterministic.

Arrays are seen as (outer, n, inner), the index as k places for each outer and inner position, or
as k places for all of them. One loop nest serves every case:

    for o in outer: for j in k: for i in inner:
        p = index[j] or index[o, j, i]
        small[o, j, i] = big[o, p, i]     (gather)      or
        big[o, p, i]  = small[o, j, i]    (scatter)     or
        big[o, p, i] += small[o, j, i]    (add)

Threads share out whichever loop writes to places of its own, so every sum is taken in one order.
"""

from __future__ import annotations

import ctypes
import math
import struct
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import features, jit, threads
from rushlight.backends.cpu.multi_tensor import layouts_hold
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.update_kernel import ARRAY_DATA
from rushlight.base.dtypes import NAMES

Array = np.ndarray

SMALLEST = 512  # elements below which a native call costs more than NumPy's way
LARGE = 1 << 18  # elements from which threads and recycled memory count
ROW = 16
GRAIN = 1 << 15  # elements a thread takes at a time
LINE = 64  # elements of inner that a thread takes at least: full vectors, whole cache lines

MOVED = {1: "i8", 2: "i16", 4: "i32", 8: "i64"}
ADDED = {"float32": ("float", "fadd"), "float64": ("double", "fadd"), "int64": ("i64", "add")}
ADDED |= {"int32": ("i32", "add")}
OUTER, PLACES, INNER = 0, 1, 2  # the loop that threads share out
PACK = struct.Struct("8q").pack


def gather(array: Array, dim: int, index: Array) -> Array | None:
    """``array[i, index[i, j]]``; None where this kernel does not serve. Indices are in range."""
    same = (
        index.shape[:dim] == array.shape[:dim]
        and index.shape[dim + 1 :] == (array.shape[dim + 1 :])
    )
    if not same or index.size < SMALLEST or not _is_dense(array):
        return None
    result = np.empty(index.shape, array.dtype)
    return result if _run("gather", array, dim, index, result, each=True) else None


def take(array: Array, dim: int, index: Array) -> Array | None:
    """The slices along ``dim`` that the vector ``index`` names; None where not served."""
    shape = (*array.shape[:dim], index.size, *array.shape[dim + 1 :])
    rows = math.prod(shape[dim + 1 :]) >= ROW  # NumPy copies such rows whole: as fast, up to a size
    if math.prod(shape) < (LARGE if rows else SMALLEST) or not _is_dense(array):
        return None
    result = np.empty(shape, array.dtype)
    return result if _run("gather", array, dim, index, result, each=False) else None


def scatter(target: Array, dim: int, index: Array, source: Array, add: bool) -> bool:
    """Write, or add, ``source[i, j]`` to ``target[i, index[i, j]]``; False where not served."""
    same = (
        index.shape[:dim] == target.shape[:dim]
        and index.shape[dim + 1 :] == (target.shape[dim + 1 :])
    )
    if not same or source.shape != index.shape or index.size < SMALLEST:
        return False
    if not _is_dense(target) or source.dtype != target.dtype:
        return False
    mode = "add" if add else "scatter"
    return _run(mode, target, dim, index, contiguous(source), each=True)


def index_add(target: Array, dim: int, index: Array, source: Array) -> bool:
    """Add the slices of ``source`` to those that ``index`` (k,) names; False where not served."""
    if source.size < SMALLEST or not _is_dense(target) or source.dtype != target.dtype:
        return False
    return _run("add", target, dim, index, contiguous(source), each=False)


def _is_dense(array: Array) -> bool:
    return array.flags.c_contiguous and array.dtype.isnative


def _run(mode: str, big: Array, dim: int, index: Array, small: Array, *, each: bool) -> bool:
    outer, n, inner = (
        math.prod(big.shape[:dim]),
        big.shape[dim],
        math.prod(big.shape[dim + 1 :]),
    )
    k = index.shape[dim] if each else index.size
    kernel = _kernel_for(mode, big.dtype, each, inner == 1)
    if kernel is None:
        return False
    index = np.ascontiguousarray(index, np.int64)
    axis, length, width = _shared(mode, outer, k, inner)
    grain = max(1, math.ceil(GRAIN / max(width, 1)))
    if axis == INNER:  # every chunk reads the whole index: few chunks
        grain = max(LINE, -(-length // (2 * features.get_num_threads() * LINE)) * LINE)
    if features.get_num_threads() == 1:
        grain = max(length, 1)
    table = PACK(id(big), id(index), id(small), n, k, inner, outer, axis)
    kernel(table, length, grain)
    return True


def _shared(mode: str, outer: int, k: int, inner: int) -> tuple[int, int, int]:
    """The loop to share out, its length, and the elements of one of its steps."""
    if mode == "gather":  # every element is written once, whichever loop is cut
        return (OUTER, outer, k * inner) if outer >= k else (PLACES, k, outer * inner)
    # Places may repeat within one outer and inner position: only these two may be cut.
    if outer >= 2 and outer * LINE >= inner:
        return OUTER, outer, k * inner
    return INNER, inner, outer * k


def _kernel_for(mode: str, dtype: np.dtype, each: bool, one: bool) -> Any:
    if mode == "add":
        if NAMES[dtype] not in ADDED:
            return None
        element, operation = ADDED[NAMES[dtype]]
    else:
        if dtype.itemsize not in MOVED:
            return None
        element, operation = MOVED[dtype.itemsize], ""
    return _compiled(mode, element, operation, each, one)


@cache
def _compiled(mode: str, element: str, operation: str, each: bool, one: bool) -> Any:
    try:
        (address,) = jit.load(
            nest_ir(mode, element, operation, each, one) + _sharing_ir(),
            "run",
            imports={"pool_run": threads.pool_run_address()},
        )
    except Unavailable:
        return None
    if not layouts_hold():  # the kernel reads addresses out of the array objects
        return None
    return ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64)(address)


def nest_ir(mode: str, element: str, operation: str, each: bool, one: bool) -> str:
    """The loop nest; ``one``: inner is 1, and its loop folds away."""
    size = {"i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8}[element]
    load_small = f"%value = load {element}, ptr %at_small, align {size}"
    load_big = f"%old = load {element}, ptr %at_big, align {size}"
    action = {
        "gather": f"{load_big}\n  store {element} %old, ptr %at_small, align {size}",
        "scatter": f"{load_small}\n  store {element} %value, ptr %at_big, align {size}",
        "add": f"{load_small}\n  {load_big}\n  %sum = {operation} {element} %old, %value\n"
        f"  store {element} %sum, ptr %at_big, align {size}",
    }[mode]
    place = "%s" if each else "%j"
    find = f"""%at_index = getelementptr i64, ptr %index, i64 {place}
  %p = load i64, ptr %at_index, align 8
  %big_place = add i64 %on, %p
  %big_row = mul i64 %big_place, %inner"""
    before, inside = ("", find) if each else (find, "")
    inner = "1" if one else "%inner_given"
    head = "%i = add i64 0, 0" if one else "%i = phi i64 [%i0, %places], [%i_next, %body]"
    tail = "br label %places_end" if one else "br i1 %i_more, label %body, label %places_end"
    # Loads from scattered places gain nothing from vectors, and cost more.
    scalar = ", !llvm.loop !0" if one else ""
    return f"""
define internal void @nest(ptr noalias %big, ptr noalias %index, ptr noalias %small, i64 %n, i64 %k,
    i64 %inner_given, i64 %o0, i64 %o1, i64 %j0, i64 %j1, i64 %i0, i64 %i1) {{
entry:
  %inner = add i64 {inner}, 0
  %some_o = icmp slt i64 %o0, %o1
  %some_j = icmp slt i64 %j0, %j1
  %some_i = icmp slt i64 %i0, %i1
  %some_oj = and i1 %some_o, %some_j
  %some = and i1 %some_oj, %some_i
  br i1 %some, label %outer, label %done
outer:
  %o = phi i64 [%o0, %entry], [%o_next, %outer_end]
  %on = mul i64 %o, %n
  %ok = mul i64 %o, %k
  br label %places
places:
  %j = phi i64 [%j0, %outer], [%j_next, %places_end]
  %small_place = add i64 %ok, %j
  %small_row = mul i64 %small_place, %inner
  {before}
  br label %body
body:
  {head}
  %s = add i64 %small_row, %i
  {inside}
  %b = add i64 %big_row, %i
  %at_small = getelementptr {element}, ptr %small, i64 %s
  %at_big = getelementptr {element}, ptr %big, i64 %b
  {action}
  %i_next = add nsw i64 %i, 1
  %i_more = icmp slt i64 %i_next, %i1
  {tail}
places_end:
  %j_next = add nsw i64 %j, 1
  %j_more = icmp slt i64 %j_next, %j1
  br i1 %j_more, label %places, label %outer_end{scalar}
outer_end:
  %o_next = add nsw i64 %o, 1
  %o_more = icmp slt i64 %o_next, %o1
  br i1 %o_more, label %outer, label %done
done:
  ret void
}}

!0 = distinct !{{!0, !1}}
!1 = !{{!"llvm.loop.vectorize.enable", i1 false}}
"""


def _sharing_ir() -> str:
    """What shares the loop nest out over the threads."""
    return f"""
declare void @pool_run(ptr, ptr, i64, i64)

define void @task(ptr %table, i64 %begin, i64 %end) {{
{_loads()}
  %by_o = icmp eq i64 %axis, {OUTER}
  %by_j = icmp eq i64 %axis, {PLACES}
  %by_i = icmp eq i64 %axis, {INNER}
  %o0 = select i1 %by_o, i64 %begin, i64 0
  %o1 = select i1 %by_o, i64 %end, i64 %outer
  %j0 = select i1 %by_j, i64 %begin, i64 0
  %j1 = select i1 %by_j, i64 %end, i64 %k
  %i0 = select i1 %by_i, i64 %begin, i64 0
  %i1 = select i1 %by_i, i64 %end, i64 %inner
  call void @nest(ptr %big, ptr %index, ptr %small, i64 %n, i64 %k, i64 %inner,
    i64 %o0, i64 %o1, i64 %j0, i64 %j1, i64 %i0, i64 %i1)
  ret void
}}

define void @run(ptr %table, i64 %length, i64 %grain) {{
  call void @pool_run(ptr @task, ptr %table, i64 %length, i64 %grain)
  ret void
}}
"""


def _loads() -> str:
    lines = []
    for at, name in enumerate(("big", "index", "small", "n", "k", "inner", "outer", "axis")):
        kind = "ptr" if at < 3 else "i64"
        value = f"object{at}" if at < 3 else name
        lines.append(f"  %at{at} = getelementptr i64, ptr %table, i64 {at}")
        lines.append(f"  %{value} = load {kind}, ptr %at{at}, align 1")
        if at < 3:
            lines.append(f"  %data{at} = getelementptr i8, ptr %object{at}, i64 {ARRAY_DATA}")
            lines.append(f"  %{name} = load ptr, ptr %data{at}")
    return "\n".join(lines)
