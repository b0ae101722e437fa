"""Sums down the columns of matrices as LLVM IR: gradients of weights and biases, channel means.

A kernel is written as a function of a `ColumnWriter` that gives the terms of its sums at one
element. It becomes a generalised ufunc of matrices. The elements of 128 rows are added at working
precision, these sums in double. Strips of columns are split over the thread pool; where strips
begin depends on the shape alone, so the result does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.loop import FLAG_CODE, flag_family
from rushlight.backends.cpu.rows import GRAIN, KINDS, generalised_ufunc, read_number
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value, Writer

STRIP = 2048  # columns that a thread takes at a time: their sums stay in the nearest cache
BLOCK = 128  # rows added at working precision
ROWS = 4  # of them in pairs before they are added to the sums so far: fewer loads and stores
MARKS = {"matrix": "(m,n)", "row": "(m)", "column": "(n)"}  # one number for each row, column


class ColumnWriter(Writer):
    """Writes the terms at row %r and column %c: operand k begins at %b<k>."""

    def __init__(self, words: Sequence[str], dtype: str, contiguous: bool) -> None:
        super().__init__()
        self.words, self.contiguous, self.dtype = words, contiguous, dtype
        self.kind, self.size = KINDS[dtype]
        self.row, self.column = "%r", "%c"

    def read(self, k: int) -> Value:
        """The element of operand k there."""
        at = f"%b{k}"
        if self.words[k] != "column":
            offset = self.emit("i64", f"mul i64 {self.row}, %m{k}")
            at = self.emit("ptr", f"getelementptr i8, ptr {at}, i64 {offset.text}").text
        if self.words[k] != "row":
            step = str(self.size) if self.contiguous else f"%n{k}"
            offset = self.emit("i64", f"mul i64 {self.column}, {step}")
            at = self.emit("ptr", f"getelementptr i8, ptr {at}, i64 {offset.text}").text
        return read_number(self, self.dtype, f"ptr {at}, !llvm.access.group !700")


Body = Callable[[ColumnWriter], Sequence[Value]]


class Kernel(NamedTuple):
    """Operands as a text of `matrix`, `row` and `column`, and the code of the sums."""

    inputs: str
    sums: int
    cost: float
    body: Body


KERNELS: dict[str, Kernel] = {}


def columns(inputs: str, sums: int, cost: float) -> Callable[[Body], Body]:
    """Register the code of a kernel under its own name."""

    def register(body: Body) -> Body:
        KERNELS[body.__name__] = Kernel(inputs, sums, cost, body)
        return body

    return register


@columns("matrix", 1, 0.5)
def column_sum(at: ColumnWriter) -> Sequence[Value]:
    """(x) -> sum x"""
    return (at.read(0),)


@columns("matrix column", 1, 0.7)
def column_deviation(at: ColumnWriter) -> Sequence[Value]:
    """(x, centre) -> sum (x - centre)^2"""
    moved = at.read(0) - at.read(1)
    return (moved * moved,)


@columns("matrix matrix column", 2, 1.0)
def column_products(at: ColumnWriter) -> Sequence[Value]:
    """(gradient, x, centre) -> sum gradient and sum gradient (x - centre)"""
    gradient = at.read(0)
    return gradient, gradient * (at.read(1) - at.read(2))


@columns("matrix matrix row row", 2, 1.0)
def column_slopes(at: ColumnWriter) -> Sequence[Value]:
    """(gradient, x, centre, scale) -> sum gradient and sum gradient (x - centre) scale"""
    gradient = at.read(0)
    return gradient, gradient * ((at.read(1) - at.read(2)) * at.read(3))


@cache
def kernel(name: str, dtype: np.dtype) -> np.ufunc:
    """The generalised ufunc `name` for float32 or float64; the names are those of `KERNELS`.

    Of half types the sums are float32. Raises `Unavailable` where no code can be generated;
    `backends.host.rowwise` has functions of the same names and arguments.
    """
    inputs, sums, cost, body = KERNELS[name]
    words = inputs.split()
    ir = _module(words, sums, cost * (dtype.itemsize / 4), body, dtype.name)
    (address,) = jit.load(ir, "loop", imports={"rl_pool_run": pool_run_address()})
    signature = f"{','.join(MARKS[w] for w in words)}->{','.join(['(n)'] * sums)}"
    results = [dtype.name if dtype.itemsize > 2 else "float32"] * sums
    return generalised_ufunc(name, signature, [dtype.name] * len(words) + results, len(words),
                             address)


def _module(words: Sequence[str], sums: int, cost: float, body: Body, dtype: str) -> str:
    """A module whose `@loop` is NumPy's loop: dimensions count, m, n; steps of the operands, then
    of their rows and columns in the order in which they are written."""
    save, restore, declare = FLAG_CODE[flag_family()]
    operands = [*words, *["column"] * sums]
    at, checks, last, where = len(operands), [], "true", {}
    for k, word in enumerate(operands):
        for dimension in {"matrix": "mn", "row": "m", "column": "n"}[word]:
            where[f"%{dimension}{k}"] = at
            if dimension == "n":
                checks += [f"  %q{k} = getelementptr i64, ptr %steps, i64 {at}",
                           f"  %l{k} = load i64, ptr %q{k}",
                           f"  %d{k} = icmp eq i64 %l{k}, {_size(dtype, k < len(words))}",
                           f"  %f{k} = and i1 {last}, %d{k}"]
                last = f"%f{k}"
            at += 1
    tasks = "".join(_task(f"rl_{'fast' if fast else 'slow'}", operands, sums, where, body, dtype,
                          fast) for fast in (True, False))
    newline = "\n"
    return f"""{tasks}
define void @loop(ptr %args, ptr %dimensions, ptr %steps, ptr %data) nounwind {{
  %count = load i64, ptr %dimensions
  %mp = getelementptr i64, ptr %dimensions, i64 1
  %m = load i64, ptr %mp
  %np = getelementptr i64, ptr %dimensions, i64 2
  %n = load i64, ptr %np
{newline.join(checks)}
  %task = select i1 {last}, ptr @rl_fast, ptr @rl_slow
  %context = alloca [3 x ptr]
  store ptr %args, ptr %context
  %second = getelementptr ptr, ptr %context, i64 1
  store ptr %steps, ptr %second
  %third = getelementptr ptr, ptr %context, i64 2
  store ptr %dimensions, ptr %third
  %rounded = add i64 %n, {STRIP - 1}
  %strips = udiv i64 %rounded, {STRIP}
  %tasks = mul i64 %count, %strips
  %width = call i64 @llvm.smin.i64(i64 %n, i64 {STRIP})
  %size = mul i64 %m, %width
  %least = call i64 @llvm.smax.i64(i64 %size, i64 1)
  %some = sdiv i64 {max(1, int(GRAIN / cost))}, %least
  %grain = call i64 @llvm.smax.i64(i64 %some, i64 1)
  %twice = mul i64 %grain, 2
  %large = icmp sge i64 %tasks, %twice
{save}
  br i1 %large, label %parallel, label %alone
parallel:
  call void @rl_pool_run(ptr %task, ptr %context, i64 %tasks, i64 %grain)
  br label %done
alone:
  call void %task(ptr %context, i64 0, i64 %tasks)
  br label %done
done:
{restore}
  ret void
}}
{declare}
declare void @rl_pool_run(ptr, ptr, i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
!700 = distinct !{{}}
!701 = distinct !{{!701, !702, !703}}
!702 = !{{!"llvm.loop.parallel_accesses", !700}}
!703 = !{{!"llvm.loop.vectorize.enable", i1 true}}
"""


def _size(dtype: str, given: bool) -> int:
    """Bytes of an element of an operand, or of a result."""
    return KINDS[dtype][1] if given else max(4, KINDS[dtype][1])


def _several(writer: ColumnWriter, body: Body) -> list[Value]:
    """The sums of the terms of ROWS rows, from `%r.first` on, added in pairs."""
    writer.column = "%d"
    rows: list[Sequence[Value]] = []
    for k in range(ROWS):
        writer.row = writer.emit("i64", f"add i64 %r.first, {k}").text
        rows.append(body(writer))
    while len(rows) > 1:
        rows = [[a + b for a, b in zip(x, y, strict=True)]
                for x, y in zip(rows[::2], rows[1::2], strict=True)]
    return list(rows[0])


def _addition(kind: str, name: str, sums: str, column: str, term: Value) -> list[str]:
    """Add a term to the sum of a column."""
    return [f"%pa{name} = getelementptr {kind}, ptr {sums}, i64 {column}",
            f"%old{name} = load {kind}, ptr %pa{name}, !llvm.access.group !700",
            f"%new{name} = fadd {kind} %old{name}, {term.text}",
            f"store {kind} %new{name}, ptr %pa{name}, !llvm.access.group !700"]


def _task(name: str, operands: Sequence[str], sums: int, where: dict[str, int], body: Body,
          dtype: str, fast: bool) -> str:
    """Strips begin to end: task t is strip t % strips of matrix t / strips."""
    kind, inputs = KINDS[dtype][0], len(operands) - sums
    writer = ColumnWriter(operands, dtype, fast)
    terms = body(writer)
    several = ColumnWriter(operands, dtype, fast)
    several.lines += [""] * len(writer.lines)  # names that the other has taken
    joined_terms = _several(several, body)
    loads, starts = [], []
    for value, at in where.items():
        loads += [f"{value}.p = getelementptr i64, ptr %steps, i64 {at}",
                  f"{value} = load i64, ptr {value}.p"]
    for k, word in enumerate(operands):
        loads += [f"%bp{k} = getelementptr ptr, ptr %args, i64 {k}",
                  f"%base{k} = load ptr, ptr %bp{k}",
                  f"%sp{k} = getelementptr i64, ptr %steps, i64 {k}",
                  f"%s{k} = load i64, ptr %sp{k}"]
        starts += [f"%o{k} = mul i64 %outer, %s{k}",
                   f"%x{k} = getelementptr i8, ptr %base{k}, i64 %o{k}"]
        offset = "0" if word == "row" else f"%z{k}"
        if word != "row":
            starts.append(f"%z{k} = mul i64 %first, %n{k}")
        starts.append(f"%b{k} = getelementptr i8, ptr %x{k}, i64 {offset}")
    parts = [f"%part{j} = alloca [{STRIP} x {kind}], align 64" for j in range(sums)]
    parts += [f"%total{j} = alloca [{STRIP} x double], align 64" for j in range(sums)]
    add, add_several, widen, store = [], [], [], []
    for j, term in enumerate(terms):
        add += _addition(kind, str(j), f"%part{j}", "%c", term)
        add_several += _addition(kind, f"{j}.several", f"%part{j}", "%d", joined_terms[j])
        value = f"%was{j}" if kind == "double" else f"%wide{j}"
        widen += [f"%pb{j} = getelementptr {kind}, ptr %part{j}, i64 %e",
                  f"%was{j} = load {kind}, ptr %pb{j}, !llvm.access.group !700",
                  *([] if kind == "double" else [f"%wide{j} = fpext {kind} %was{j} to double"]),
                  f"%pt{j} = getelementptr double, ptr %total{j}, i64 %e",
                  f"%sum{j} = load double, ptr %pt{j}, !llvm.access.group !700",
                  f"%more{j} = fadd double %sum{j}, {value}",
                  f"store double %more{j}, ptr %pt{j}, !llvm.access.group !700",
                  f"store {kind} 0.0, ptr %pb{j}, !llvm.access.group !700"]
        final = f"%whole{j}" if kind == "double" else f"%narrow{j}"
        k = inputs + j
        step = str(_size(dtype, False)) if fast else f"%n{k}"
        narrow = [f"%narrow{j} = fptrunc double %whole{j} to {kind}"]
        store += [f"%pw{j} = getelementptr double, ptr %total{j}, i64 %w",
                  f"%whole{j} = load double, ptr %pw{j}, !llvm.access.group !700",
                  *([] if kind == "double" else narrow),
                  f"%so{j} = mul i64 %w, {step}",
                  f"%ps{j} = getelementptr i8, ptr %b{k}, i64 %so{j}",
                  f"store {kind} {final}, ptr %ps{j}, !llvm.access.group !700"]
    clear = [f"%room{size} = mul i64 %width, {size}" for size in (4, 8)]
    clear += [f"call void @llvm.memset.p0.i64(ptr %{word}{j}, i8 0, i64 %room{size}, i1 false)"
              for j in range(sums) for word, size in (("part", _size(dtype, False)), ("total", 8))]
    text = {key: "\n".join("  " + line for line in lines) for key, lines in {
        "loads": loads, "starts": starts, "parts": parts, "terms": writer.lines, "add": add,
        "several": [line for line in several.lines if line], "add_several": add_several,
        "widen": widen, "store": store, "clear": clear}.items()}
    declarations = "".join(sorted(writer.declarations.values())) if fast else ""
    memset = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)\n" if fast else ""
    return f"""{declarations}{memset}
define internal void @{name}(ptr %context, i64 %begin, i64 %end) nounwind {{
entry:
  %args = load ptr, ptr %context
  %second = getelementptr ptr, ptr %context, i64 1
  %steps = load ptr, ptr %second
  %third = getelementptr ptr, ptr %context, i64 2
  %dimensions = load ptr, ptr %third
  %mp = getelementptr i64, ptr %dimensions, i64 1
  %m = load i64, ptr %mp
  %np = getelementptr i64, ptr %dimensions, i64 2
  %n = load i64, ptr %np
  %rounded = add i64 %n, {STRIP - 1}
  %strips = udiv i64 %rounded, {STRIP}
{text["parts"]}
{text["loads"]}
  %any = icmp slt i64 %begin, %end
  br i1 %any, label %strip, label %done
strip:
  %t = phi i64 [%begin, %entry], [%t.next, %stored]
  %outer = udiv i64 %t, %strips
  %index = urem i64 %t, %strips
  %first = mul i64 %index, {STRIP}
  %rest = sub i64 %n, %first
  %width = call i64 @llvm.smin.i64(i64 %rest, i64 {STRIP})
{text["starts"]}
{text["clear"]}
  %rows = icmp sgt i64 %m, 0
  br i1 %rows, label %block, label %write
block:
  %from = phi i64 [0, %strip], [%to, %added]
  %end.of = add i64 %from, {BLOCK}
  %to = call i64 @llvm.smin.i64(i64 %end.of, i64 %m)
  %all = sub i64 %to, %from
  %left = urem i64 %all, {ROWS}
  %last = sub i64 %to, %left
  %enough = icmp slt i64 %from, %last
  br i1 %enough, label %rows.each, label %single
rows.each:
  %r.first = phi i64 [%from, %block], [%r.following, %rows.end]
  br label %several
several:
  %d = phi i64 [0, %rows.each], [%d.next, %several]
{text["several"]}
{text["add_several"]}
  %d.next = add nuw nsw i64 %d, 1
  %d.more = icmp slt i64 %d.next, %width
  br i1 %d.more, label %several, label %rows.end, !llvm.loop !701
rows.end:
  %r.following = add nuw nsw i64 %r.first, {ROWS}
  %rows.more = icmp slt i64 %r.following, %last
  br i1 %rows.more, label %rows.each, label %single
single:
  %some.left = icmp ne i64 %left, 0
  br i1 %some.left, label %row, label %blocks.end
row:
  %r = phi i64 [%last, %single], [%r.next, %row.end]
  br label %each
each:
  %c = phi i64 [0, %row], [%c.next, %each]
{text["terms"]}
{text["add"]}
  %c.next = add nuw nsw i64 %c, 1
  %c.more = icmp slt i64 %c.next, %width
  br i1 %c.more, label %each, label %row.end, !llvm.loop !701
row.end:
  %r.next = add nuw nsw i64 %r, 1
  %r.more = icmp slt i64 %r.next, %to
  br i1 %r.more, label %row, label %blocks.end
blocks.end:
  br label %widen
widen:
  %e = phi i64 [0, %blocks.end], [%e.next, %widen]
{text["widen"]}
  %e.next = add nuw nsw i64 %e, 1
  %e.more = icmp slt i64 %e.next, %width
  br i1 %e.more, label %widen, label %added, !llvm.loop !701
added:
  %b.more = icmp slt i64 %to, %m
  br i1 %b.more, label %block, label %write
write:
  %w = phi i64 [0, %strip], [0, %added], [%w.next, %write]
{text["store"]}
  %w.next = add nuw nsw i64 %w, 1
  %w.more = icmp slt i64 %w.next, %width
  br i1 %w.more, label %write, label %stored, !llvm.loop !701
stored:
  %t.next = add nuw nsw i64 %t, 1
  %t.more = icmp slt i64 %t.next, %end
  br i1 %t.more, label %strip, label %done
done:
  ret void
}}
"""
