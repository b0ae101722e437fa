"""The most frequent element of each row: the longest run of equal ones in the sorted row."""

from __future__ import annotations

import math
from functools import cache
from struct import pack
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, few_order, jit, order, threads
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.few_arrays import FEW
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.values import Value, select

Array = np.ndarray

GRAIN = 1 << 14  # elements worth a thread's while
_FLOATS = {"float32": "float", "float64": "double"}
_FIELDS = ("values", "places", "value", "place", "n", "inner")


def most_frequent(array: Array, dim: int) -> tuple[Array, Array] | None:
    """Value and place along `dim`, which stays with size 1; None where no code serves.

    Of equally frequent elements the smallest, of its occurrences the last. NaN equals nothing.
    """
    shape = array.shape
    if not array.ndim or not array.size:
        return None
    run, n = _run(array.dtype), shape[dim]
    if run is None:
        return None
    found = few_order.first(array, n, dim, False) if array.size <= FEW else None
    found = found or order.first(array, n, dim, False)
    if found is None:
        return None
    inner = math.prod(shape[dim + 1:])
    shape = (*shape[:dim], 1, *shape[dim + 1:])
    value, place = np.empty(shape, array.dtype), np.empty(shape, np.int64)
    run(pack("6q", id(found[0]), id(found[1]), id(value), id(place), n, inner), value.size,
        -(-GRAIN // n))
    return value, place


@cache
def _run(dtype: np.dtype) -> Any:
    kind = _FLOATS.get(dtype.name) or (f"i{8 * dtype.itemsize}" if dtype.kind in "iu" else None)
    if kind is None or not dtype.isnative or not builtin.supported():
        return None
    try:
        (address,) = jit.load(_text(kind, dtype.itemsize), "run",
                              imports={"rl_pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)


def _text(kind: str, size: int) -> str:
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    data: dict[str, Value] = {}
    for k, name in enumerate(_FIELDS[:4]):
        array = code.load("ptr", code.at(context, k, 8))
        data[name] = code.load("ptr", code.at(array, builtin.DATA, 1))
    n, inner = (code.load("i64", code.at(context, k, 8)) for k in (4, 5))
    length, longest, at = (code.slot("i64") for _ in range(3))
    zero = code.integer(0)
    with code.loop(begin, end) as row:
        outer = code.emit("i64", f"udiv i64 {row.text}, {inner.text}")
        first = outer * n * inner + (row - outer * inner)
        for slot in (length, longest, at):
            code.store(zero, slot)
        with code.loop(code.integer(1), n) as j:
            here = first + j * inner
            x, before = (code.load(kind, code.at(data["values"], i, size), size)
                         for i in (here, here - inner))
            run = select(x.equals(before), code.load("i64", length) + 1, 0)
            code.store(run, length)
            known = code.load("i64", longest)
            longer = run > known
            code.store(select(longer, run, known), longest)
            code.store(select(longer, j, code.load("i64", at)), at)
        chosen = first + code.load("i64", at) * inner
        code.store(code.load(kind, code.at(data["values"], chosen, size), size),
                   code.at(data["value"], row, size), size)
        code.store(code.load("i64", code.at(data["places"], chosen, 8)),
                   code.at(data["place"], row, 8))
    return f"""{code.text()}
declare void @rl_pool_run(ptr, ptr, i64, i64)
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  ret void
}}
"""
