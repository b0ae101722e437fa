"""One element of the order of each short row: its bits one by one, by counting what is smaller.

Elements become keys, unsigned integers in their order, NaN the greatest. From the highest bit down
a bit of the answer is one if not too many keys are below the number that begins so. Each bit costs
a pass over the row, but passes run in vectors, branch nowhere and stay in the cache.
"""

from __future__ import annotations

import math
from functools import cache
from struct import pack
from typing import Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.values import Value, select
from rushlight.base.dtypes import NAMES

Array = np.ndarray

LONGEST = 1 << 12  # elements of a row; its keys lie on the stack
GRAIN = 1 << 13  # elements worth a thread's while
AT, MEDIAN, NANMEDIAN = 0, 1, 2  # at a given place; in the middle, where NaN wins or is left out
_FLOATS = {"float32": "float", "float64": "double"}
_FIELDS = ("array", "value", "place", "n", "inner", "position", "way")


def element(array: Array, dim: int, way: int, position: int = 0) -> tuple[Array, Array] | None:
    """Value and place of an element of the stable ascending order along `dim`, which stays with
    size 1: of that at `position`, or the lower median. None where no code serves."""
    shape = array.shape
    if not shape or not 0 < shape[dim] <= LONGEST or not array.size:
        return None
    run = _run(array.dtype)
    if run is None:
        return None
    array = contiguous(array)
    found = (*shape[:dim], 1, *shape[dim + 1:])
    value, place = np.empty(found, array.dtype), np.empty(found, np.int64)
    run(pack("7q", id(array), id(value), id(place), shape[dim], math.prod(shape[dim + 1:]),
             position, way), value.size, -(-GRAIN // shape[dim]))
    return value, place


@cache
def _run(dtype: np.dtype) -> Any:
    if (NAMES[dtype] not in _FLOATS and dtype.kind not in "iu") or not dtype.isnative or (
            not builtin.supported()):
        return None
    try:
        (address,) = jit.load(_text(dtype), "run",
                              imports={"rl_pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)


def _key(x: Value, dtype: np.dtype) -> Value:
    """An unsigned integer of at least 32 bits, in the order of the elements."""
    bits = max(32, 8 * dtype.itemsize)
    lowest = -(1 << (bits - 1))
    if dtype.kind != "f":
        wide = x if x.kind == f"i{bits}" else x.convert(
            "sext" if dtype.kind == "i" else "zext", f"i{bits}")
        return wide ^ lowest if dtype.kind == "i" else wide
    pattern = (x + 0.0).bits()  # -0 becomes 0: the two are equal
    turned = pattern ^ ((pattern >> (bits - 1)) | lowest)
    return select(x.is_nan(), -1, turned)


def _below(a: Value, b: Value) -> Value:
    return a.writer.emit("i1", f"icmp ult {a.kind} {a.text}, {b.text}")


def _text(dtype: np.dtype) -> str:
    size = dtype.itemsize
    kind = _FLOATS.get(NAMES[dtype]) or f"i{8 * size}"
    wide = max(4, size)
    bits = f"i{8 * wide}"
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    field: dict[str, Value] = {}
    for k, name in enumerate(_FIELDS):
        here = code.at(context, k, 8)
        field[name] = code.load("i64", here) if k > 2 else code.load(
            "ptr", code.at(code.load("ptr", here), builtin.DATA, 1))
    n, inner, zero = field["n"], field["inner"], code.integer(0)
    keys = code.slot(f"[{LONGEST} x {bits}], align 64")
    known, count, less = code.slot(bits), code.slot(bits), code.slot(bits)
    seen, at = code.slot(bits), code.slot("i64")
    nothing = code.constant(bits, 0)

    def key(j: Value) -> Value:
        return code.load(bits, code.at(keys, j, wide), wide)

    with code.loop(begin, end) as row:
        outer = code.emit("i64", f"udiv i64 {row.text}, {inner.text}")
        first = outer * n * inner + (row - outer * inner)
        code.store(nothing, count)
        with code.loop(zero, n) as j:
            x = code.load(kind, code.at(field["array"], first + j * inner, size), size)
            code.store(_key(x, dtype), code.at(keys, j, wide), wide)
            if dtype.kind == "f":
                code.store(code.load(bits, count) + x.is_nan().convert("zext", bits), count)
        holes = code.load(bits, count).convert("sext", "i64") if wide < 8 else code.load(
            bits, count)
        middle = select(field["way"].equals(MEDIAN), select(holes > 0, n - holes, (n - 1) >> 1),
                        select(holes < n, (n - holes - 1) >> 1, 0))
        position = select(field["way"].equals(AT), field["position"], middle)
        wanted = position if wide == 8 else position.convert("trunc", bits)
        code.store(nothing, known)
        code.store(nothing, less)
        with code.loop(zero, code.integer(8 * wide)) as passes:
            bit = (8 * wide - 1) - passes
            if wide < 8:
                bit = bit.convert("trunc", bits)
            trial = code.load(bits, known) | (code.constant(bits, 1) << bit)
            code.store(nothing, count)
            with code.loop(zero, n) as j:
                code.store(code.load(bits, count) + _below(key(j), trial).convert("zext", bits),
                           count)
            below = code.load(bits, count)
            taken = below <= wanted
            code.store(select(taken, trial, code.load(bits, known)), known)
            code.store(select(taken, below, code.load(bits, less)), less)
        answer, before = code.load(bits, known), wanted - code.load(bits, less)
        code.store(nothing, seen)
        code.store(zero, at)
        with code.loop(zero, n) as j:  # the place of the one of its equals that is meant
            equal, passed = key(j).equals(answer), code.load(bits, seen)
            code.store(select(equal & passed.equals(before), j, code.load("i64", at)), at)
            code.store(passed + equal.convert("zext", bits), seen)
        place = code.load("i64", at)
        code.store(place, code.at(field["place"], row, 8))
        x = code.load(kind, code.at(field["array"], first + place * inner, size), size)
        code.store(x, code.at(field["value"], row, size), size)
    return f"""{code.text()}{"".join(code.declarations.values())}
declare void @rl_pool_run(ptr, ptr, i64, i64)
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  ret void
}}
"""
