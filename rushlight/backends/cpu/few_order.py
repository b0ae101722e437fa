"""Sorting few elements, or choosing the first of them, in one native call: stable, NaN greatest.

Each element is inserted into the list of the best so far. That is quadratic, and for short rows
or short lists faster than anything that has to be set up first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.cpu.few_arrays import FEW, compiled, few_ir, refuse
from rushlight.backends.cpu.scatter import MOVED

Array = np.ndarray

LONG = np.dtype(np.int64)
CHOSEN = 24  # elements of a row from which a list of that length is slower than sorting the row
STEPS = 1 << 12  # insertions times places of a row, up to which the quadratic way is the quick one
FLOATS = {"float32": "float", "float64": "double"}


class _Kernels(dict[Any, Any]):
    """The kernel of one direction by dtype, compiled on first use."""

    def __init__(self, descending: bool) -> None:
        self.descending = descending

    def __missing__(self, dtype: np.dtype) -> Any:
        kind = FLOATS.get(dtype.name) or (MOVED.get(dtype.itemsize) if dtype.kind in "biu" else "")
        made = refuse
        if kind and dtype.isnative:
            ir = _rows_ir(kind, dtype.kind in "bu", dtype.itemsize, self.descending)
            made = compiled(ir + few_ir(each=True, in_range=False, call=_ROWS))
        self[dtype] = made
        return made


_ASCENDING, _DESCENDING = _Kernels(False), _Kernels(True)


def first(array: Array, count: int, dim: int, descending: bool) -> tuple[Array, Array] | None:
    """Values and places of the first ``count`` elements in order along ``dim``.

    None where that is not for this kernel.
    """
    shape = array.shape
    if dim < 0:
        dim += len(shape)
    if array.size > FEW or not 0 <= dim < len(shape) or (
            count > CHOSEN or count * shape[dim] > STEPS):
        return None
    if count != shape[dim]:
        shape = (*shape[:dim], count, *shape[dim + 1:])
    values, index = np.empty(shape, array.dtype), np.empty(shape, LONG)
    kernel = (_DESCENDING if descending else _ASCENDING)[array.dtype]
    return None if kernel(array, index, values, dim) else (values, index)


_ROWS = """call void @rows(ptr %data_big, ptr %data_index, ptr %data_small, i64 %n, i64 %k,
    i64 %inner, i64 %outer)"""


def _before(kind: str, unsigned: bool, descending: bool) -> str:
    """Whether %x comes before %y, as %before."""
    if kind not in FLOATS.values():
        word = ("u" if unsigned else "s") + ("gt" if descending else "lt")
        return f"%before = icmp {word} {kind} %x, %y"
    larger, nan = ("ogt", "x") if descending else ("olt", "y")
    number = "y" if descending else "x"
    return f"""%beyond = fcmp {larger} {kind} %x, %y
  %is_nan = fcmp uno {kind} %{nan}, %{nan}
  %is_number = fcmp ord {kind} %{number}, %{number}
  %by_nan = and i1 %is_nan, %is_number
  %before = or i1 %beyond, %by_nan"""


def _rows_ir(kind: str, unsigned: bool, size: int, descending: bool) -> str:
    """`@rows`: for each row, each element goes to its place in the list of the first k."""
    return f"""
define internal void @rows(ptr noalias %data, ptr noalias %index, ptr noalias %values, i64 %n,
    i64 %k, i64 %inner, i64 %outer) {{
entry:
  %rows = mul i64 %outer, %inner
  %steps = mul i64 %rows, %k
  %some = icmp ne i64 %steps, 0
  br i1 %some, label %row, label %done
row:
  %r = phi i64 [0, %entry], [%r_next, %row_end]
  %o = udiv i64 %r, %inner
  %i = urem i64 %r, %inner
  %on = mul i64 %o, %n
  %on_inner = mul i64 %on, %inner
  %from = add i64 %on_inner, %i
  %ok = mul i64 %o, %k
  %ok_inner = mul i64 %ok, %inner
  %to = add i64 %ok_inner, %i
  br label %element
element:
  %j = phi i64 [0, %row], [%j_next, %element_end]
  %j_inner = mul i64 %j, %inner
  %s = add i64 %from, %j_inner
  %at_x = getelementptr {kind}, ptr %data, i64 %s
  %x = load {kind}, ptr %at_x, align {size}
  %full = icmp ult i64 %k, %j
  %start = select i1 %full, i64 %k, i64 %j
  br label %look
look:
  %p = phi i64 [%start, %element], [%below, %moved]
  %first = icmp eq i64 %p, 0
  br i1 %first, label %found, label %compare
compare:
  %below = sub i64 %p, 1
  %below_inner = mul i64 %below, %inner
  %b = add i64 %to, %below_inner
  %at_y = getelementptr {kind}, ptr %values, i64 %b
  %y = load {kind}, ptr %at_y, align {size}
  {_before(kind, unsigned, descending)}
  br i1 %before, label %shift, label %found
shift:
  %dropped = icmp eq i64 %p, %k
  br i1 %dropped, label %moved, label %move
move:
  %p_inner = mul i64 %p, %inner
  %c = add i64 %to, %p_inner
  %at_value = getelementptr {kind}, ptr %values, i64 %c
  store {kind} %y, ptr %at_value, align {size}
  %at_old = getelementptr i64, ptr %index, i64 %b
  %old = load i64, ptr %at_old, align 8
  %at_new = getelementptr i64, ptr %index, i64 %c
  store i64 %old, ptr %at_new, align 8
  br label %moved
moved:
  br label %look
found:
  %chosen = icmp ult i64 %p, %k
  br i1 %chosen, label %put, label %element_end
put:
  %q_inner = mul i64 %p, %inner
  %q = add i64 %to, %q_inner
  %at_q = getelementptr {kind}, ptr %values, i64 %q
  store {kind} %x, ptr %at_q, align {size}
  %at_place = getelementptr i64, ptr %index, i64 %q
  store i64 %j, ptr %at_place, align 8
  br label %element_end
element_end:
  %j_next = add i64 %j, 1
  %more = icmp ult i64 %j_next, %n
  br i1 %more, label %element, label %row_end
row_end:
  %r_next = add i64 %r, 1
  %more_rows = icmp ult i64 %r_next, %rows
  br i1 %more_rows, label %row, label %done
done:
  ret void
}}
"""
