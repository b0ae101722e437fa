"""Running sums, products and extremes along a dimension, and products and extremes over one.

An array is seen as (outer, n, inner). Columns of inner that lie side by side advance together, a
strip for each turn of a thread, and every result is taken in the order of the elements; along the
last dimension each row goes by itself. Running float32 results are carried in double.
"""

from __future__ import annotations

import math
import re
import struct
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.memory import recycle

Array = np.ndarray

STRIP = {True: 128, False: 512}  # columns that advance together in scans, in folds
PARTS, HEIGHT = 8, 16  # parts of a wide matrix that is folded down its columns; rows in one
ABREAST = 4  # rows that are scanned at a time: each waits for its own last sum only
GRAIN = 1 << 14  # elements that a thread takes at a time
SMALL = 1 << 15  # bytes up to which the calling thread alone is quick enough
CHUNK = 1 << 14  # elements of a row of their own when a long row is folded
PACK = struct.Struct("6q").pack

KINDS = {"float32": "float", "float64": "double", "int64": "i64", "int32": "i32"}
_SERVED = frozenset(map(np.dtype, KINDS))
SUFFIXES = {"float": "f32", "double": "f64", "i64": "i64", "i32": "i32"}
IDENTITIES = {"add": 0.0, "mul": 1.0, "max": -math.inf, "min": math.inf}


def scan(operation: str, array: Array, dim: int) -> Array | None:
    """The running results of "add" or "mul" along ``dim``; None where this does not serve."""
    if not _suits(array):
        return None
    if array.nbytes > SMALL:
        recycle()
    result = np.empty(array.shape, array.dtype)
    inner = math.prod(array.shape[dim + 1:])
    return result if _run(operation, True, array, result, array.shape[dim], inner) else None


def few(operation: str, array: Array, dim: Any, keepdim: bool) -> Array | None:
    """`fold` of few elements over one dimension, or over all (dim None), in one quick call."""
    if not _suits(array) or array.nbytes > SMALL:
        return None
    shape = array.shape
    if dim is None and not keepdim:
        n, inner, shape = array.size, 1, ()
    elif type(dim) is int and -len(shape) <= dim < len(shape):
        if dim < 0:
            dim += len(shape)
        n, after = shape[dim], shape[dim + 1:]
        inner = math.prod(after)
        shape = (*shape[:dim], 1, *after) if keepdim else shape[:dim] + after
    else:
        return None
    kernel = _few(operation, False, array.dtype, n, inner, array.size)
    if kernel is None:
        return None
    result = np.empty(shape, array.dtype)
    kernel(array, result)
    return result


def fold(operation: str, array: Array, axes: tuple[int, ...]) -> Array | None:
    """The product ("mul") or extreme ("max", "min"; NaN wins) over ``axes``, which the result
    lacks; None where this does not serve."""
    if not _suits(array) or not axes:
        return None
    rest = sorted(axes)
    while rest:
        end = begin = rest.pop()
        while rest and rest[-1] == begin - 1:
            begin = rest.pop()
        found = _folded(operation, array, begin, end + 1)
        if found is None:
            return None
        array = found
    return array


def _folded(operation: str, array: Array, begin: int, end: int) -> Array | None:
    shape = array.shape
    n, inner = math.prod(shape[begin:end]), math.prod(shape[end:])
    result = np.empty(shape[:begin] + shape[end:], array.dtype)
    height = CHUNK if inner == 1 else max(HEIGHT, -(-n // PARTS))
    if result.size > inner or n < 2 * height or inner > 1 << 12:
        return result if _run(operation, False, array, result, n, inner) else None
    count, last = divmod(n, height)  # threads share parts, which the size alone decides
    parts, rows = np.empty((count + (last > 0), inner), array.dtype), array.reshape(n, inner)
    if not _run(operation, False, rows[:count * height], parts[:count], height, inner):
        return None
    if last:
        _run(operation, False, rows[count * height:], parts[count:], last, inner)
    _run(operation, False, parts, result, len(parts), inner)
    return result


def _suits(array: Array) -> bool:
    return (type(array) is np.ndarray and array.dtype in _SERVED and array.size > 0
            and array.flags.c_contiguous)


def _run(operation: str, scans: bool, source: Array, target: Array, n: int, inner: int) -> bool:
    if source.nbytes <= SMALL:
        few = _few(operation, scans, source.dtype, n, inner, source.size)
        if few is not None:
            few(source, target)
        return few is not None
    outer, strips = source.size // (n * inner), -(-inner // STRIP[scans])
    abreast = _abreast(scans, inner, outer)
    made = _compiled(operation, scans, abreast, source.dtype)
    if made is None:
        return False
    kernel, units = made[0], -(-outer // abreast) if abreast else outer * strips
    table = PACK(id(source), id(target), n, inner, strips, outer)
    kernel(table, units, max(1, GRAIN // (n * min(inner, STRIP[scans]))))
    return True


@lru_cache(maxsize=4096)
def _few(operation: str, scans: bool, dtype: np.dtype, n: int, inner: int, size: int) -> Any:
    """The builtin function of (source, target) for arrays of these extents."""
    outer, strips = size // (n * inner), -(-inner // STRIP[scans])
    abreast = _abreast(scans, inner, outer)
    made = _compiled(operation, scans, abreast, dtype)
    if made is None:
        return None
    units = -(-outer // abreast) if abreast else outer * strips
    return builtin.bind(made[1], np.array([n, inner, strips, outer, units]))


def _abreast(scans: bool, inner: int, outer: int) -> int:
    """The rows that a unit has; 0 where it is a strip of columns."""
    return 0 if inner > 1 else ABREAST if scans and outer >= ABREAST else 1


@cache
def _compiled(operation: str, scans: bool, abreast: int, dtype: np.dtype) -> Any:
    """The kernel for the pool and the definition of the builtin function for few elements."""
    if not builtin.supported():
        return None
    ir = running_ir(operation, scans, abreast, KINDS[dtype.name], dtype.itemsize)
    try:
        running, few = jit.load(ir, "running", "few", imports={
            "pool_run": threads.pool_run_address(), **builtin.imports()})
    except Unavailable:
        return None
    return builtin.runner(running), builtin.method(few)


def first(operation: str, kind: str) -> str:
    """What the operation leaves every element as it is with."""
    value = IDENTITIES[operation]
    if kind in ("float", "double"):
        return "0x" + struct.pack(">d", value).hex().upper()
    highest = (1 << (int(kind[1:]) - 1)) - 1
    return str(int(max(min(value, highest), -1 - highest)) if math.isinf(value) else int(value))


def _combined(operation: str, kind: str, scans: bool) -> tuple[str, str]:
    """The instruction for %so_far and %wide, and what it declares."""
    floating = kind in ("float", "double")
    if operation in ("add", "mul"):
        word = ("fadd" if operation == "add" else "fmul") if floating else operation
        loose = " reassoc" if floating and not scans else ""
        return f"{word}{loose} {kind} %so_far, %wide", ""
    name = ("maximum" if operation == "max" else "minimum") if floating else f"s{operation}"
    symbol = f"@llvm.{name}.{SUFFIXES[kind]}"
    flags = "nsz " if floating else ""  # either zero will do, which saves instructions
    return (f"call {flags}{kind} {symbol}({kind} %so_far, {kind} %wide)",
            f"declare {kind} {symbol}({kind}, {kind})")


def running_ir(operation: str, scans: bool, abreast: int, kind: str, size: int) -> str:
    """`running(table, units, grain)`; a unit is `abreast` rows, or a strip of columns (0).

    And `few`, a builtin function of (source, target), by the caller alone.
    """
    carried = "double" if scans and kind == "float" else kind
    combine, declaration = _combined(operation, carried, scans)
    widen = "%wide = fpext float %x to double" if carried != kind else (
        f"%wide = select i1 true, {kind} %x, {kind} %x")
    narrow = "%y = fptrunc double %now to float" if carried != kind else (
        f"%y = select i1 true, {kind} %now, {kind} %now")
    write = f"""{narrow}
  %at_y = getelementptr {kind}, ptr %to_row, i64 %c
  store {kind} %y, ptr %at_y, align {size}, !llvm.access.group !910""" if scans else ""
    body = _strip_ir if not abreast else partial(_rows_ir, abreast) if scans else _row_ir
    names = ("source", "target", "n", "inner", "strips", "outer")
    loads = "\n  ".join(builtin.loaded(name, i, i < 2) for i, name in enumerate(names))
    return f"""{builtin.DECLARATIONS}
declare void @pool_run(ptr, ptr, i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
{declaration}

define internal void @task(ptr %table, i64 %begin, i64 %end) nounwind {{
entry:
  %carried = alloca [{STRIP[scans]} x {carried}], align 64
  {loads}
  %whole = mul i64 %n, %inner
  br label %unit
unit:
  %u = phi i64 [%begin, %entry], [%u_next, %unit_end]
  %some = icmp slt i64 %u, %end
  br i1 %some, label %start, label %done
{body(kind, size, carried, first(operation, carried), widen, combine, write, scans)}
unit_end:
  %u_next = add i64 %u, 1
  br label %unit
done:
  ret void
}}

define void @running(ptr %table, i64 %units, i64 %grain) nounwind {{
  call void @pool_run(ptr @task, ptr %table, i64 %units, i64 %grain)
  ret void
}}

define ptr @few(ptr %self, ptr %arrays, i64 %count) nounwind {{
  %table = alloca [6 x i64], align 8
  %block_slot = getelementptr i8, ptr %self, i64 {builtin.DATA}
  %block = load ptr, ptr %block_slot
  call void @llvm.memcpy.p0.p0.i64(ptr %table, ptr %arrays, i64 16, i1 false)
  %extents = getelementptr i64, ptr %table, i64 2
  call void @llvm.memcpy.p0.p0.i64(ptr %extents, ptr %block, i64 32, i1 false)
  %at_units = getelementptr i64, ptr %block, i64 4
  %units = load i64, ptr %at_units
  call void @task(ptr %table, i64 0, i64 %units)
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

!910 = distinct !{{}}
!911 = distinct !{{!911, !912, !913}}
!912 = !{{!"llvm.loop.parallel_accesses", !910}}
!913 = !{{!"llvm.loop.vectorize.enable", i1 true}}
"""


def _rows_ir(abreast: int, kind: str, size: int, carried: str, first: str, widen: str,
             combine: str, write: str, scans: bool) -> str:
    """Rows abreast; where too few are left, the last one several times."""
    starts, carries, steps = [], [], []
    for j in range(abreast):
        starts += [f"%at{j} = add i64 %rows, {j}",
                   f"%r{j} = call i64 @llvm.umin.i64(i64 %at{j}, i64 %last)",
                   f"%place{j} = mul i64 %r{j}, %n",
                   f"%from_row{j} = getelementptr {kind}, ptr %source, i64 %place{j}",
                   f"%to_row{j} = getelementptr {kind}, ptr %target, i64 %place{j}"]
        carries.append(f"%so_far{j} = phi {carried} [{first}, %start], [%now{j}, %each]")
        step = f"""%at_x = getelementptr {kind}, ptr %from_row, i64 %c
  %x = load {kind}, ptr %at_x, align {size}
  {widen}
  %now = {combine}
  {write}"""
        steps.append(re.sub(r"%(at_x|x|wide|now|so_far|y|at_y|from_row|to_row)\b", rf"%\g<1>{j}",
                            step))
    newline = "\n  "
    return f"""start:
  %rows = mul i64 %u, {abreast}
  %last = sub i64 %outer, 1
  {newline.join(starts)}
  br label %each
each:
  %c = phi i64 [0, %start], [%c_next, %each]
  {newline.join(carries)}
  {newline.join(steps)}
  %c_next = add nuw nsw i64 %c, 1
  %c_more = icmp slt i64 %c_next, %n
  br i1 %c_more, label %each, label %unit_end"""


def _row_ir(kind: str, size: int, carried: str, first: str, widen: str, combine: str, write: str,
            scans: bool) -> str:
    return f"""start:
  %place = mul i64 %u, %n
  %from_row = getelementptr {kind}, ptr %source, i64 %place
  br label %each
each:
  %c = phi i64 [0, %start], [%c_next, %each]
  %so_far = phi {carried} [{first}, %start], [%now, %each]
  %at_x = getelementptr {kind}, ptr %from_row, i64 %c
  %x = load {kind}, ptr %at_x, align {size}
  {widen}
  %now = {combine}
  %c_next = add nuw nsw i64 %c, 1
  %c_more = icmp slt i64 %c_next, %n
  br i1 %c_more, label %each, label %row_done
row_done:
  %at_result = getelementptr {kind}, ptr %target, i64 %u
  store {kind} %now, ptr %at_result, align {size}
  br label %unit_end"""


def _strip_ir(kind: str, size: int, carried: str, first: str, widen: str, combine: str, write: str,
              scans: bool) -> str:
    store = "br label %unit_end" if scans else f"""br label %put
put:
  %p = phi i64 [0, %strip_done], [%p_next, %put]
  %at_result = getelementptr {kind}, ptr %carried, i64 %p
  %result = load {kind}, ptr %at_result, align {size}, !llvm.access.group !910
  %at_put = getelementptr {kind}, ptr %results, i64 %p
  store {kind} %result, ptr %at_put, align {size}, !llvm.access.group !910
  %p_next = add nuw nsw i64 %p, 1
  %p_more = icmp slt i64 %p_next, %width
  br i1 %p_more, label %put, label %unit_end, !llvm.loop !911"""
    return f"""start:
  %o = udiv i64 %u, %strips
  %s = urem i64 %u, %strips
  %first = mul i64 %s, {STRIP[scans]}
  %left = sub i64 %inner, %first
  %width = call i64 @llvm.umin.i64(i64 %left, i64 {STRIP[scans]})
  %outer_place = mul i64 %o, %whole
  %base = add i64 %outer_place, %first
  %result_row = mul i64 %o, %inner
  %result_place = add i64 %result_row, %first
  %results = getelementptr {kind}, ptr %target, i64 %result_place
  br label %clear
clear:
  %k = phi i64 [0, %start], [%k_next, %clear]
  %at_k = getelementptr {carried}, ptr %carried, i64 %k
  store {carried} {first}, ptr %at_k, align {8 if carried in ("double", "i64") else 4}
  %k_next = add nuw nsw i64 %k, 1
  %k_more = icmp ult i64 %k_next, {STRIP[scans]}
  br i1 %k_more, label %clear, label %row
row:
  %r = phi i64 [0, %clear], [%r_next, %row_end]
  %r_place = mul i64 %r, %inner
  %place = add i64 %base, %r_place
  %from_row = getelementptr {kind}, ptr %source, i64 %place
  %to_row = getelementptr {kind}, ptr %target, i64 %place
  br label %each
each:
  %c = phi i64 [0, %row], [%c_next, %each]
  %at_x = getelementptr {kind}, ptr %from_row, i64 %c
  %x = load {kind}, ptr %at_x, align {size}, !llvm.access.group !910
  {widen}
  %at_carried = getelementptr {carried}, ptr %carried, i64 %c
  %so_far = load {carried}, ptr %at_carried, align {size}, !llvm.access.group !910
  %now = {combine}
  store {carried} %now, ptr %at_carried, align {size}, !llvm.access.group !910
  {write}
  %c_next = add nuw nsw i64 %c, 1
  %c_more = icmp slt i64 %c_next, %width
  br i1 %c_more, label %each, label %row_end, !llvm.loop !911
row_end:
  %r_next = add nuw nsw i64 %r, 1
  %r_more = icmp slt i64 %r_next, %n
  br i1 %r_more, label %row, label %strip_done
strip_done:
  {store}"""
