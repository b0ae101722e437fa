"""Evenly spaced numbers as generated code, counted from the nearer end."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import Struct

import numpy as np

from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.memory import recycle

LARGE = 1 << 16  # numbers from which memory is recycled
GRAIN = 1 << 14  # numbers that a thread takes at a time
KINDS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
PACK = Struct("2q2d").pack


def spaced(start: float, end: float, steps: int, dtype: np.dtype) -> np.ndarray | None:
    """`steps` numbers, at least two, from `start` to `end`; None where this does not serve."""
    run = _run(dtype)
    if run is None or steps >> 31:
        return None
    if steps >= LARGE:
        recycle()
    result = np.empty(steps, dtype)
    run(PACK(id(result), steps, start, end), steps, GRAIN)
    return result


@cache
def _run(dtype: np.dtype) -> Callable[[bytes, int, int], None] | None:
    if dtype not in KINDS or not builtin.supported():
        return None
    try:
        (address,) = jit.load(spaced_ir(KINDS[dtype], dtype.itemsize), "spaced",
                              imports={"pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)


def spaced_ir(kind: str, size: int) -> str:
    """`spaced(table, count, grain)`: the step is rounded to the dtype, then each number once."""
    loads = [builtin.loaded("target", 0, True), builtin.loaded("n", 1, False)]
    narrow = "fptrunc double {} to float" if kind == "float" else "fadd double {}, -0.0"
    for word, name in enumerate(("start", "end"), 2):
        loads += [f"%at_{name} = getelementptr double, ptr %table, i64 {word}",
                  f"%wide_{name} = load double, ptr %at_{name}, align 1",
                  f"%{name} = {narrow.format(f'%wide_{name}')}"]
    widen = "fpext float {} to double" if kind == "float" else "fadd double {}, -0.0"
    newline = "\n  "
    return f"""
declare void @pool_run(ptr, ptr, i64, i64)
declare double @llvm.fma.f64(double, double, double)

define internal void @task(ptr %table, i64 %begin, i64 %stop) nounwind {{
entry:
  {newline.join(loads)}
  %before = sub i64 %n, 1
  %half = lshr i64 %n, 1
  %half32 = trunc i64 %half to i32
  %last = trunc i64 %before to i32
  %parts = sitofp i64 %before to {kind}
  %width = fsub {kind} %end, %start
  %step = fdiv {kind} %width, %parts
  %ahead = {widen.format("%step")}
  %behind = fneg double %ahead
  %from = {widen.format("%start")}
  %to = {widen.format("%end")}
  br label %each
each:
  %i = phi i64 [%begin, %entry], [%next, %each]
  %i32 = trunc i64 %i to i32
  %back = sub i32 %last, %i32
  %first = icmp slt i32 %i32, %half32
  %k = select i1 %first, i32 %i32, i32 %back
  %places = sitofp i32 %k to double
  %near = select i1 %first, double %from, double %to
  %way = select i1 %first, double %ahead, double %behind
  %wide = call double @llvm.fma.f64(double %places, double %way, double %near)
  %x = {narrow.format("%wide")}
  %at = getelementptr {kind}, ptr %target, i64 %i
  store {kind} %x, ptr %at, align {size}
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %stop
  br i1 %more, label %each, label %done
done:
  ret void
}}

define void @spaced(ptr %table, i64 %count, i64 %grain) nounwind {{
  call void @pool_run(ptr @task, ptr %table, i64 %count, i64 %grain)
  ret void
}}
"""
