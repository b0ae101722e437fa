"""One native call for little work on three arrays: it reads their shapes out of the objects.

The arrays are dense: a big one, seen as (outer, n, inner) around dimension `dim`, a small one that
differs in that dimension alone, (outer, k, inner), and an index, of the shape of the small one or
a vector of k. Everything that is relied on is checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.multi_tensor import layouts_hold
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.update_kernel import (
    ARRAY_DATA,
    ARRAY_FLAGS,
    ARRAY_NDIM,
    ARRAY_SHAPE,
)

FEW = 4096  # elements up to which holding the interpreter's lock costs nobody anything
DONE, OUTSIDE, UNSERVED = 0, 1, 2  # what a kernel returns; OUTSIDE: the index is out of range
Kernel = Callable[[np.ndarray, np.ndarray, np.ndarray, int], int]  # of (big, index, small, dim)
_CALL = f"""{builtin.DECLARATIONS}
define ptr @few_call(ptr %self, ptr %arguments, i64 %count) nounwind {{
entry:
  %big = load ptr, ptr %arguments
  %second = getelementptr ptr, ptr %arguments, i64 1
  %index = load ptr, ptr %second
  %third = getelementptr ptr, ptr %arguments, i64 2
  %small = load ptr, ptr %third
  %fourth = getelementptr ptr, ptr %arguments, i64 3
  %dim.object = load ptr, ptr %fourth
  %dim = call i64 @PyLong_AsLongLong(ptr %dim.object)
  %odd = icmp eq i64 %dim, -1
  br i1 %odd, label %clear, label %run
clear: ; no int of 64 bits: out of range for the kernel too
  call void @PyErr_Clear()
  br label %run
run:
  %outcome = call i64 @few(ptr %big, ptr %index, ptr %small, i64 %dim)
  %result = call ptr @PyLong_FromLongLong(i64 %outcome)
  ret ptr %result
}}
"""


def compiled(ir: str) -> Kernel:
    """The kernel `@few` of an IR text; one that serves nobody where there can be none."""
    if not layouts_hold() or not builtin.supported():
        return refuse
    try:
        (address,) = jit.load(ir + _CALL, "few_call", imports=builtin.imports())
    except Unavailable:
        return refuse
    return builtin.bind(builtin.method(address), np.empty(0, np.int64))


def refuse(*_: Any) -> int:
    """The kernel of what is not served."""
    return UNSERVED


def _field(array: str, name: str, kind: str, offset: int) -> str:
    at = f"%at_{name}_{array}"
    return (f"  {at} = getelementptr i8, ptr %{array}, i64 {offset}\n"
            f"  %{name}_{array} = load {kind}, ptr {at}, align {4 if kind == 'i32' else 8}")


def _size(array: str, axis: str, name: str) -> str:
    return (f"  %at_{name} = getelementptr i64, ptr %shape_{array}, i64 {axis}\n"
            f"  %{name} = load i64, ptr %at_{name}, align 8")


def few_ir(each: bool, in_range: bool, call: str) -> str:
    """`@few`: the checks, then `call`, which may name %data_big, %data_index, %data_small, %outer,
    %n, %k and %inner.

    each: the index has the shape of the small array. in_range: it has to be in [0, n).
    """
    fields = "\n".join(
        _field(array, name, kind, offset) for array in ("big", "index", "small")
        for name, kind, offset in (("nd", "i32", ARRAY_NDIM), ("shape", "ptr", ARRAY_SHAPE),
                                   ("flags", "i32", ARRAY_FLAGS), ("data", "ptr", ARRAY_DATA)))
    dims_of_index = "%nd_big" if each else "1"
    # Along dim the two small ones agree, elsewhere all that have the dimension.
    if each:
        agree = f"""{_size("index", "%axis", "size_index")}
  %index_fits = icmp eq i64 %size_index, %size_small"""
        count = "%whole_next"
    else:
        agree = f"""{_size("index", "0", "size_index")}
  %index_same = icmp eq i64 %size_index, %size_small
  %index_fits = or i1 %index_same, %elsewhere"""
        count = "%k"
    some = f"icmp ne i64 {count}, 0" if in_range else "icmp ne i64 0, 0"
    return f"""
define i64 @few(ptr %big, ptr %index, ptr %small, i64 %dim) nounwind {{
entry:
{fields}
  %flags_two = and i32 %flags_big, %flags_index
  %flags_three = and i32 %flags_two, %flags_small
  %flags_dense = and i32 %flags_three, 1
  %dense = icmp eq i32 %flags_dense, 1
  %same_small = icmp eq i32 %nd_small, %nd_big
  %same_index = icmp eq i32 %nd_index, {dims_of_index}
  %dims = zext i32 %nd_big to i64
  %in_dims = icmp ult i64 %dim, %dims
  %a = and i1 %dense, %same_small
  %b = and i1 %same_index, %in_dims
  %served = and i1 %a, %b
  br i1 %served, label %axes, label %unserved
axes:
  %axis = phi i64 [0, %entry], [%axis_next, %axis_done]
  %lead = phi i64 [1, %entry], [%outer, %axis_done]
  %rest = phi i64 [1, %entry], [%inner, %axis_done]
  %whole = phi i64 [1, %entry], [%whole_next, %axis_done]
{_size("big", "%axis", "size_big")}
{_size("small", "%axis", "size_small")}
  %elsewhere = icmp ne i64 %axis, %dim
  %there = xor i1 %elsewhere, true
  %equal = icmp eq i64 %size_big, %size_small
  %big_fits = or i1 %equal, %there
{agree}
  %fits = and i1 %big_fits, %index_fits
  br i1 %fits, label %axis_done, label %unserved
axis_done:
  %before = icmp ult i64 %axis, %dim
  %after = icmp ugt i64 %axis, %dim
  %factor_lead = select i1 %before, i64 %size_big, i64 1
  %factor_rest = select i1 %after, i64 %size_big, i64 1
  %outer = mul i64 %lead, %factor_lead
  %inner = mul i64 %rest, %factor_rest
  %whole_next = mul i64 %whole, %size_small
  %axis_next = add i64 %axis, 1
  %more_axes = icmp ult i64 %axis_next, %dims
  br i1 %more_axes, label %axes, label %sizes
sizes:
{_size("big", "%dim", "n")}
{_size("small", "%dim", "k")}
  %some = {some}
  br i1 %some, label %range, label %run
range:
  %i = phi i64 [0, %sizes], [%i_next, %range]
  %most = phi i64 [0, %sizes], [%most_next, %range]
  %at_i = getelementptr i64, ptr %data_index, i64 %i
  %place = load i64, ptr %at_i, align 8
  %larger = icmp ugt i64 %place, %most
  %most_next = select i1 %larger, i64 %place, i64 %most
  %i_next = add i64 %i, 1
  %more = icmp ult i64 %i_next, {count}
  br i1 %more, label %range, label %checked
checked:
  %inside = icmp ult i64 %most_next, %n
  br i1 %inside, label %run, label %outside
run:
  {call}
  ret i64 {DONE}
outside:
  ret i64 {OUTSIDE}
unserved:
  ret i64 {UNSERVED}
}}
"""
