"""Running maxima and minima along a dimension with their places, in one pass.

Of equal elements the last counts, and from the first NaN on the last NaN. Some rows are scanned
abreast, so that none waits for the comparison before.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.running import ABREAST, GRAIN, KINDS, PACK, SMALL, first
from rushlight.backends.memory import recycle
from rushlight.base.dtypes import NAMES

Array = np.ndarray


def scan(operation: str, array: Array, dim: int) -> tuple[Array, Array] | None:
    """The running extreme ("max" or "min") along ``dim`` and its places; None where this does not
    serve."""
    if (type(array) is not np.ndarray or not array.size or NAMES[array.dtype] not in KINDS
            or not array.dtype.isnative):
        return None
    kernel = _kernel(operation, array.dtype)
    if kernel is None:
        return None
    if array.nbytes > SMALL:
        recycle()
    array = contiguous(array)
    values, places = np.empty(array.shape, array.dtype), np.empty(array.shape, np.int64)
    n, inner = array.shape[dim], math.prod(array.shape[dim + 1:])
    rows = array.size // n
    table = PACK(id(array), id(values), id(places), n, inner, rows)
    kernel(table, -(-rows // ABREAST), max(1, GRAIN // (ABREAST * n)))
    return values, places


@cache
def _kernel(operation: str, dtype: np.dtype) -> Any:
    if not builtin.supported():
        return None
    try:
        (address,) = jit.load(extremes_ir(operation, KINDS[dtype.name], dtype.itemsize), "extremes",
                              imports={"pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)


def extremes_ir(operation: str, kind: str, size: int) -> str:
    """`extremes(table, units, grain)`; a unit is some rows, the last one several times where too
    few are left."""
    word = "ge" if operation == "max" else "le"
    lowest = first(operation, kind)
    starts, carries, steps = [], [], []
    for j in range(ABREAST):
        starts += [f"%at{j} = add i64 %row, {j}",
                   f"%r{j} = call i64 @llvm.umin.i64(i64 %at{j}, i64 %last)",
                   f"%o{j} = udiv i64 %r{j}, %inner", f"%i{j} = urem i64 %r{j}, %inner",
                   f"%from{j} = mul i64 %o{j}, %whole", f"%start{j} = add i64 %from{j}, %i{j}"]
        carries += [f"%best{j} = phi {kind} [{lowest}, %start], [%better{j}, %each]",
                    f"%place{j} = phi i64 [0, %start], [%there{j}, %each]"]
        reaches = [f"%takes{j} = icmp s{word} {kind} %x{j}, %best{j}"]
        if kind in ("float", "double"):
            reaches = [f"%nan{j} = fcmp uno {kind} %x{j}, %x{j}",
                       f"%beyond{j} = fcmp o{word} {kind} %x{j}, %best{j}",
                       f"%takes{j} = or i1 %nan{j}, %beyond{j}"]
        steps += [f"%e{j} = add i64 %start{j}, %step",
                  f"%px{j} = getelementptr {kind}, ptr %source, i64 %e{j}",
                  f"%x{j} = load {kind}, ptr %px{j}, align {size}", *reaches,
                  f"%better{j} = select i1 %takes{j}, {kind} %x{j}, {kind} %best{j}",
                  f"%there{j} = select i1 %takes{j}, i64 %c, i64 %place{j}",
                  f"%pv{j} = getelementptr {kind}, ptr %values, i64 %e{j}",
                  f"store {kind} %better{j}, ptr %pv{j}, align {size}",
                  f"%pp{j} = getelementptr i64, ptr %places, i64 %e{j}",
                  f"store i64 %there{j}, ptr %pp{j}, align 8"]
    names = ("source", "values", "places", "n", "inner", "rows")
    loads = [builtin.loaded(name, i, i < 3) for i, name in enumerate(names)]
    newline = "\n  "
    return f"""
declare void @pool_run(ptr, ptr, i64, i64)
declare i64 @llvm.umin.i64(i64, i64)

define internal void @task(ptr %table, i64 %begin, i64 %end) nounwind {{
entry:
  {newline.join(loads)}
  %whole = mul i64 %n, %inner
  %last = sub i64 %rows, 1
  br label %unit
unit:
  %u = phi i64 [%begin, %entry], [%u_next, %unit_end]
  %some = icmp slt i64 %u, %end
  br i1 %some, label %start, label %done
start:
  %row = mul i64 %u, {ABREAST}
  {newline.join(starts)}
  br label %each
each:
  %c = phi i64 [0, %start], [%c_next, %each]
  {newline.join(carries)}
  %step = mul i64 %c, %inner
  {newline.join(steps)}
  %c_next = add nuw nsw i64 %c, 1
  %c_more = icmp slt i64 %c_next, %n
  br i1 %c_more, label %each, label %unit_end
unit_end:
  %u_next = add i64 %u, 1
  br label %unit
done:
  ret void
}}

define void @extremes(ptr %table, i64 %units, i64 %grain) nounwind {{
  call void @pool_run(ptr @task, ptr %table, i64 %units, i64 %grain)
  ret void
}}
"""
