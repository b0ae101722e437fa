"""Row kernels along a dimension that is not the last: softmax and its kin over channels.

The rows of an array (outer, n, inner) along its middle dimension are columns in memory. The body of
a row kernel is written once more, so that a strip of neighbouring columns advances together: a
pass over the row becomes a loop over n around a vector loop over the strip, what it folds is one
number a column, kept in the nearest cache, and what is computed between passes a loop over these.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.rows import GRAIN, Combine, Operand, RowWriter, larger
from rushlight.backends.cpu.rowwise import KERNELS, operands
from rushlight.backends.cpu.values import Value
from rushlight.backends.memory import recycle

Array = np.ndarray

STRIP = 1024  # columns that advance together: narrower ones of a long row collide in the cache
LARGE = 1 << 12  # elements from which memory is recycled
NARROW = 8  # columns below which many rows are better moved to the end
SERVED = ("softmax", "log_softmax", "logsumexp", "softmax_backward", "log_softmax_backward")
_LOCAL = re.compile(r"%(?:[ps]\d+|[cr])\b(?!\.)")  # what each loop has a value of its own of
PACKS = [struct.Struct(f"{count + 4}q").pack for count in range(4)]  # by the number of inputs
_ACCESS = ", !llvm.access.group !800"


def run(name: str, dim: int, *arrays: Array) -> Array | None:
    """The row kernel `name` along `dim` of contiguous arrays; None where this does not serve."""
    first = arrays[0]
    inner = math.prod(first.shape[dim + 1:])
    served = inner >= NARROW or 0 < first.size < LARGE
    kernel = _kernel(name, first.dtype) if served and first.size else None
    if kernel is None:
        return None
    for array in arrays:
        if not array.flags.c_contiguous or array.dtype is not first.dtype:
            return None
    if first.size >= LARGE:
        recycle()
    n = first.shape[dim]
    shape = first.shape if KERNELS[name].outputs == "row" else (
        first.shape[:dim] + first.shape[dim + 1:])
    result = np.empty(shape, first.dtype)
    strips = -(-inner // STRIP)
    units = first.size // (n * inner) * strips
    table = PACKS[len(arrays)](*map(id, arrays), id(result), n, inner, strips)
    kernel(table, units, max(1, int(GRAIN / KERNELS[name].cost) // (n * min(inner, STRIP))))
    return result


@cache
def _kernel(name: str, dtype: np.dtype) -> Any:
    if name not in SERVED or dtype.char not in "fd" or not (
            dtype.isnative and builtin.supported()):
        return None
    try:
        (address,) = jit.load(strips_ir(name, dtype), "strips",
                              imports={"pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)


class StripWriter(RowWriter):
    """Writes a row kernel for a strip of columns: `%a0`, `%a1`, ... point to the first column."""

    def __init__(self, operands: Sequence[Operand]) -> None:
        super().__init__(operands, True)
        self.slots: dict[str, str] = {}  # numbers of each column, by name: their kind
        self._text: list[str] = []  # of the loop that is being written
        self._between: list[tuple[str, str]] = []  # names and kinds of what is between two passes
        self._inside = False
        self._count = 0

    def emit(self, kind: str, instruction: str) -> Value:
        key = f"{kind} {instruction}"
        found = self._known.get(key)
        if found is None:
            self._count += 1
            name = f"%t{self._count}" if self._inside else f"%p{self._count}"
            self._text.append(f"{name} = {instruction}")
            if not self._inside:
                self._between.append((name, kind))
            found = self._known[key] = Value(self, kind, name)
        return found

    def _at(self, k: int, i: Value | None) -> str:
        place = Value(self, "i64", "%c")
        if i is not None:
            place = self.emit("i64", f"mul i64 {i.text}, %inner") + place
        return self.emit("ptr", f"getelementptr {self.operands[k].kind}, ptr %a{k}, "
                                f"i64 {place.text}").text

    def read(self, k: int, i: Value) -> Value:
        kind = self.operands[k].kind
        return self.emit(kind, f"load {kind}, ptr {self._at(k, i)}{_ACCESS}")

    def write(self, k: int, value: Value, i: Value | None = None) -> None:
        self._text.append(f"store {value.kind} {value.text}, ptr {self._at(k, i)}{_ACCESS}")
        if self._inside:
            self._known.clear()

    def each(self, body: Callable[[Value], None]) -> None:
        def nothing(i: Value) -> Sequence[Value]:
            body(i)
            return ()

        self._pass((), nothing)

    def maximum(self, kind: str, body: Callable[[Value], Value]) -> Value:
        lowest = self.constant(kind, -math.inf)
        return self._pass([(lowest, larger)], lambda i: (body(i),))[0]

    def totals(self, kind: str, body: Callable[[Value], Sequence[Value]],
               count: int = 1) -> list[Value]:
        zero = self.constant("double", 0.0)
        return self._pass([(zero, lambda total, x: total + x)] * count,
                          lambda i: [x.widen() for x in body(i)])

    def finish(self) -> None:
        """Write what is left to do after the last pass."""
        self._columns()

    def _pass(self, folds: Sequence[tuple[Value, Combine]],
              body: Callable[[Value], Sequence[Value]]) -> list[Value]:
        """A loop over the row around one over the columns, which carries folds: (first value, how
        to combine)."""
        self._columns()
        results = []
        for first, _ in folds:
            self._count += 1
            results.append(Value(self, first.kind, f"%s{self._count}"))
            self.slots[results[-1].text] = first.kind
            self._text += self._stored(results[-1].text, first)
        self._loop_over_columns()
        self._inside = True
        values = body(Value(self, "i64", "%r"))
        for (_, combine), result, value in zip(folds, results, values, strict=True):
            self._text += self._stored(result.text, combine(result, value))
        self._inside = False
        self._loop_over_columns(rows=True)
        return results

    def _columns(self) -> None:
        """A loop over the columns for what was written since the last pass."""
        for name, kind in self._between:
            if kind in ("float", "double"):  # addresses and truth values do not outlive it
                self._text += self._stored(name, Value(self, kind, name))
                self.slots[name] = kind
        self._between.clear()
        self._loop_over_columns()

    def _stored(self, slot: str, value: Value) -> list[str]:
        self._count += 1
        at = f"%t{self._count}"
        return [f"{at} = getelementptr {value.kind}, ptr %slot{slot[1:]}, i64 %c",
                f"store {value.kind} {value.text}, ptr {at}{_ACCESS}"]

    def _loop_over_columns(self, rows: bool = False) -> None:
        """The loop around the text so far, within one over the row where `rows`."""
        text, self._text = self._text, []
        self._known.clear()
        if not text:
            return
        used = {m.group() for line in text for m in _LOCAL.finditer(line)}
        made = {line.split(" = ")[0] for line in text}
        loads = []
        for slot in sorted(used & self.slots.keys() - made):
            kind = self.slots[slot]
            self._count += 1
            loads += [f"%t{self._count} = getelementptr {kind}, ptr %slot{slot[1:]}, i64 %c",
                      f"{slot} = load {kind}, ptr %t{self._count}{_ACCESS}"]
        name, starting = self._name(), self.block
        before = [f"br label %{name}.row", f"{name}.row:",
                  f"%r = phi i64 [0, %{starting}], [%{name}.below, %{name}.end]"] if rows else []
        outside = f"{name}.row" if rows else starting
        lines = [*before, f"br label %{name}.each", f"{name}.each:",
                 f"%c = phi i64 [0, %{outside}], [%{name}.next, %{name}.each]", *loads, *text,
                 f"%{name}.next = add nuw nsw i64 %c, 1",
                 f"%{name}.more = icmp slt i64 %{name}.next, %width",
                 f"br i1 %{name}.more, label %{name}.each, label %{name}.end, !llvm.loop !801",
                 f"{name}.end:"]
        self.block = f"{name}.end"
        if rows:
            lines += [f"%{name}.below = add nuw nsw i64 %r, 1",
                      f"%{name}.rows = icmp slt i64 %{name}.below, %n",
                      f"br i1 %{name}.rows, label %{name}.row, label %{name}.done",
                      f"{name}.done:"]
            self.block = f"{name}.done"
        self.lines += [_LOCAL.sub(lambda m: f"{m.group()}.{name}", line) for line in lines]


def strips_ir(name: str, dtype: np.dtype) -> str:
    """`strips(table, units, grain)`; the table holds the operands, n, inner and the
    number of strips in inner."""
    kernel = KERNELS[name]
    inputs = operands(kernel.inputs, dtype)
    every = inputs + operands(kernel.outputs, dtype)
    writer = StripWriter(every)
    kernel.body(writer)
    writer.finish()
    loads = []
    for i, word in enumerate([*(f"base{k}" for k in range(len(every))), "n", "inner", "strips"]):
        loads.append(builtin.loaded(word, i, i < len(every)))
    loads += [f"%slot{slot[1:]} = alloca [{STRIP} x {kind}], align 64"
              for slot, kind in writer.slots.items()]
    starts = [f"%a{k} = getelementptr {operand.kind}, ptr %base{k}, "
              f"i64 %{'row_place' if operand.row else 'number_place'}"
              for k, operand in enumerate(every)]
    newline = "\n  "
    return f"""
declare void @pool_run(ptr, ptr, i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
{"".join(sorted(writer.declarations.values()))}
define internal void @task(ptr %table, i64 %begin, i64 %end) nounwind {{
entry:
  {newline.join(loads)}
  %whole = mul i64 %n, %inner
  br label %unit
unit:
  %u = phi i64 [%begin, %entry], [%u.next, %unit.end]
  %some = icmp slt i64 %u, %end
  br i1 %some, label %row, label %done
row:
  %o = udiv i64 %u, %strips
  %strip = urem i64 %u, %strips
  %first = mul i64 %strip, {STRIP}
  %left = sub i64 %inner, %first
  %width = call i64 @llvm.umin.i64(i64 %left, i64 {STRIP})
  %outer = mul i64 %o, %whole
  %row_place = add i64 %outer, %first
  %numbers = mul i64 %o, %inner
  %number_place = add i64 %numbers, %first
  {newline.join(starts)}
  {newline.join(writer.lines)}
  br label %unit.end
unit.end:
  %u.next = add i64 %u, 1
  br label %unit
done:
  ret void
}}

define void @strips(ptr %table, i64 %units, i64 %grain) nounwind {{
  call void @pool_run(ptr @task, ptr %table, i64 %units, i64 %grain)
  ret void
}}

!800 = distinct !{{}}
!801 = distinct !{{!801, !802, !803}}
!802 = !{{!"llvm.loop.parallel_accesses", !800}}
!803 = !{{!"llvm.loop.vectorize.enable", i1 true}}
"""
