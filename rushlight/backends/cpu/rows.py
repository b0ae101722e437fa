"""Loops over rows as LLVM IR: passes over the elements of a row, folds between them.

A row kernel is written as a function of a `RowWriter`: it reads elements of the inputs, folds
them (sum, maximum, first index), and stores elements and scalars of the outputs. Every pass is
one vector loop, so a row that fits the cache is read from memory once. The kernel becomes a
generalised ufunc (NumPy's name for a ufunc on rows): leading dimensions, strides, `axis=` and
`out=` are NumPy's; many rows are split over the thread pool, one row always stays whole, so the
result does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.loop import FLAG_CODE, flag_family
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.ufunc import make_ufunc
from rushlight.backends.cpu.values import Value, Writer, select

BLOCK = 1024  # elements summed at working precision; the sums of blocks are added in double
GRAIN = 1 << 15  # elements of cost 1 (one float32 addition) that are worth handing to a thread
KINDS = {"float32": ("float", 4), "float64": ("double", 8), "int64": ("i64", 8),
         "float16": ("float", 2), "bfloat16": ("float", 2)}  # half types are computed in float32


class Operand(NamedTuple):
    """An input or output: its dtype, and whether it has a row or one number for each row."""

    dtype: str
    row: bool

    @property
    def kind(self) -> str:
        return KINDS[self.dtype][0]

    @property
    def size(self) -> int:
        return KINDS[self.dtype][1]


Combine = Callable[[Value, Value], Value]


def read_number(writer: Writer, dtype: str, where: str) -> Value:
    """The number of a NumPy dtype at an address (with what else the load is told)."""
    if dtype == "bfloat16":  # the upper half of a float
        wide = writer.emit("i16", f"load i16, {where}").convert("zext", "i32")
        return (wide << 16).convert("bitcast", "float")
    if dtype == "float16":
        return writer.emit("half", f"load half, {where}").convert("fpext", "float")
    return writer.emit(KINDS[dtype][0], f"load {KINDS[dtype][0]}, {where}")


def narrowed(value: Value, dtype: str) -> Value:
    """A number as a NumPy dtype stores it: to the nearest even, NaN kept a NaN."""
    if dtype == "float16":
        return value.convert("fptrunc", "half")
    if dtype != "bfloat16":
        return value
    bits = value.bits()
    high = value.writer.emit("i32", f"lshr i32 {bits.text}, 16")
    near = bits + (high & 1) + 32767
    near = value.writer.emit("i32", f"lshr i32 {near.text}, 16")
    return select(value.is_nan(), high | 64, near).convert("trunc", "i16")


class RowWriter(Writer):
    """Writes the code for one row: `%a0`, `%a1`, ... point to the operands, `%n` is its length."""

    def __init__(self, operands: Sequence[Operand], contiguous: bool) -> None:
        super().__init__()
        self.operands = operands
        self.contiguous = contiguous
        self.length = Value(self, "i64", "%n")
        self.block = "row"  # the label of the block that is being written
        self._loops = 0

    def count(self, kind: str) -> Value:
        """The length of the row as a number."""
        return self.length.convert("sitofp", kind)

    def scalar(self, k: int) -> Value:
        """The number that operand k has for this row."""
        return read_number(self, self.operands[k].dtype, f"ptr %a{k}")

    def read(self, k: int, i: Value) -> Value:
        """Element i of operand k."""
        return read_number(self, self.operands[k].dtype, f"ptr {self._at(k, i)}{_ACCESS}")

    def write(self, k: int, value: Value, i: Value | None = None) -> None:
        """Store element i of operand k, or its number for the row."""
        where = f"ptr %a{k}" if i is None else f"ptr {self._at(k, i)}{_ACCESS}"
        value = narrowed(value, self.operands[k].dtype)
        self.lines.append(f"store {value.kind} {value.text}, {where}")
        self._known.clear()

    def _at(self, k: int, i: Value) -> str:
        if self.contiguous:
            kind = f"[{self.operands[k].size} x i8]"
            return self.emit("ptr", f"getelementptr inbounds {kind}, ptr %a{k}, i64 {i.text}").text
        offset = self.emit("i64", f"mul i64 {i.text}, %c{k}")
        return self.emit("ptr", f"getelementptr i8, ptr %a{k}, i64 {offset.text}").text

    def each(self, body: Callable[[Value], None]) -> None:
        """Run `body` for every element."""

        def nothing(i: Value) -> Sequence[Value]:
            body(i)
            return ()

        self._loop("0", "%n", [], nothing)

    def sums(self, kind: str, body: Callable[[Value], Sequence[Value]],
             count: int = 1) -> list[Value]:
        """The sums over the row of what `body` gives."""
        totals = self.totals(kind, body, count)
        return [t if kind == "double" else t.convert("fptrunc", kind) for t in totals]

    def totals(self, kind: str, body: Callable[[Value], Sequence[Value]],
               count: int = 1) -> list[Value]:
        """The sums in double of values of `kind`: in blocks, which are added in double."""
        name = self._name()
        starting = self.block
        head, tail, end = f"{name}.head", f"{name}.tail", f"{name}.end"
        self.lines += [f"br label %{head}", f"{head}:"]
        place = len(self.lines)
        self.block = head
        self._known.clear()
        self.lines += [f"%{name}.left = sub i64 %n, %{name}.b",
                       f"%{name}.m = call i64 @llvm.smin.i64(i64 %{name}.left, i64 {BLOCK})",
                       f"%{name}.to = add i64 %{name}.b, %{name}.m"]
        self.declarations["smin"] = "declare i64 @llvm.smin.i64(i64, i64)\n"
        zero = self.constant(kind, 0.0)
        add = [(zero, lambda total, x: _reassociated(total, x))] * count
        parts = self._loop(f"%{name}.b", f"%{name}.to", add, body)
        self.lines += [f"br label %{tail}", f"{tail}:"]
        totals = []
        for j, part in enumerate(parts):
            wide = part.widen()
            totals.append(self.emit("double", f"fadd double %{name}.s{j}, {wide.text}"))
        self.lines += [f"%{name}.next = add i64 %{name}.b, {BLOCK}",
                       f"%{name}.more = icmp slt i64 %{name}.next, %n",
                       f"br i1 %{name}.more, label %{head}, label %{end}", f"{end}:"]
        self.lines[place:place] = [
            f"%{name}.b = phi i64 [0, %{starting}], [%{name}.next, %{tail}]",
            *(f"%{name}.s{j} = phi double [0.0, %{starting}], [{total.text}, %{tail}]"
              for j, total in enumerate(totals))]
        self.block = end
        self._known.clear()
        return totals

    def sum(self, body: Callable[[Value], Value], kind: str) -> Value:
        """The sum over the row of what `body` gives."""
        return self.sums(kind, lambda i: (body(i),))[0]

    def mean(self, body: Callable[[Value], Value], kind: str) -> Value:
        """The sum over the row of what `body` gives, divided by its length in double."""
        (total,) = self.totals(kind, lambda i: (body(i),))
        result = total / self.count("double")
        return result if kind == "double" else result.convert("fptrunc", kind)

    def maximum(self, kind: str, body: Callable[[Value], Value]) -> Value:
        """The largest of what `body` gives; nan if one is nan, -inf if there is none."""
        lowest = self.constant(kind, float("-inf"))
        (result,) = self._loop("0", "%n", [(lowest, larger)], lambda i: (body(i),))
        return result

    def first(self, condition: Callable[[Value], Value]) -> Value:
        """The first index where the condition holds; the length if it does nowhere."""
        (result,) = self._loop(
            "0", "%n", [(self.length, lambda best, x: self.intrinsic("smin", best, x))],
            lambda i: (select(condition(i), i, self.length),))
        return result

    def count_where(self, condition: Callable[[Value], Value]) -> Value:
        """For how many indices the condition holds."""
        (result,) = self._loop(
            "0", "%n", [(self.constant("i64", 0), lambda count, x: count + x)],
            lambda i: (condition(i).convert("zext", "i64"),))
        return result

    def _name(self) -> str:
        self._loops += 1
        return f"l{self._loops}"

    def _loop(self, begin: str, end: str, folds: Sequence[tuple[Value, Combine]],
              body: Callable[[Value], Sequence[Value]]) -> list[Value]:
        """A loop from begin to end that carries folds: (first value, how to combine)."""
        name, starting = self._name(), self.block
        self.lines += [f"%{name}.some = icmp slt i64 {begin}, {end}",
                       f"br i1 %{name}.some, label %{name}.each, label %{name}.end",
                       f"{name}.each:"]
        place = len(self.lines)
        self._known.clear()
        carried = [Value(self, first.kind, f"%{name}.c{j}") for j, (first, _) in enumerate(folds)]
        values = body(Value(self, "i64", f"%{name}.i"))
        after = [combine(c, v) for c, v, (_, combine) in zip(carried, values, folds, strict=True)]
        self.lines += [
            f"%{name}.next = add nuw nsw i64 %{name}.i, 1",
            f"%{name}.more = icmp slt i64 %{name}.next, {end}",
            f"br i1 %{name}.more, label %{name}.each, label %{name}.end, !llvm.loop !801",
            f"{name}.end:"]
        self.lines[place:place] = [
            f"%{name}.i = phi i64 [{begin}, %{starting}], [%{name}.next, %{name}.each]",
            *(f"{c.text} = phi {c.kind} [{first.text}, %{starting}], [{a.text}, %{name}.each]"
              for c, (first, _), a in zip(carried, folds, after, strict=True))]
        self.lines += [f"%{name}.r{j} = phi {c.kind} [{first.text}, %{starting}], "
                       f"[{a.text}, %{name}.each]"
                       for j, (c, (first, _), a) in enumerate(zip(carried, folds, after,
                                                                 strict=True))]
        self.block = f"{name}.end"
        self._known.clear()
        return [Value(self, c.kind, f"%{name}.r{j}") for j, c in enumerate(carried)]


def _reassociated(a: Value, b: Value) -> Value:
    """a + b, in an order that suits vectors."""
    return a.writer.emit(a.kind, f"fadd reassoc {a.kind} {a.text}, {b.text}")


def larger(a: Value, b: Value) -> Value:
    """The larger of two; nan if one is nan. Either zero will do, which saves instructions."""
    suffix = {"float": "f32", "double": "f64"}[a.kind]
    symbol = f"@llvm.maximum.{suffix}"
    a.writer.declarations[symbol] = f"declare {a.kind} {symbol}({a.kind}, {a.kind})\n"
    return a.writer.emit(
        a.kind, f"call nsz {a.kind} {symbol}({a.kind} {a.text}, {a.kind} {b.text})")


Body = Callable[[RowWriter], None]


def rows_ir(body: Body, operands: Sequence[Operand], inputs: int, cost: float,
            flags: str = "") -> str:
    """A module whose `@loop` is NumPy's loop of a generalised ufunc; see `compile_rows`."""
    fast, slow = RowWriter(operands, True), RowWriter(operands, False)
    body(fast)
    body(slow)
    count = range(len(operands))
    rows = [k for k in count if operands[k].row]
    save, restore, declare = FLAG_CODE[flags]
    declarations = {**fast.declarations, **slow.declarations}
    checks, last = [], "true"
    for j, k in enumerate(rows):
        checks += [f"  %p{k} = getelementptr i64, ptr %steps, i64 {len(operands) + j}",
                   f"  %c{k} = load i64, ptr %p{k}",
                   f"  %d{k} = icmp eq i64 %c{k}, {operands[k].size}",
                   f"  %f{k} = and i1 {last}, %d{k}"]
        last = f"%f{k}"
    newline = "\n"
    return f"""
{_task("fast", fast, rows)}
{_task("slow", slow, rows)}
define void @loop(ptr %args, ptr %dimensions, ptr %steps, ptr %data) nounwind {{
  %count = load i64, ptr %dimensions
  %np = getelementptr i64, ptr %dimensions, i64 1
  %n = load i64, ptr %np
{newline.join(checks)}
  %task = select i1 {last}, ptr @rl_fast, ptr @rl_slow
  %context = alloca [3 x ptr]
  store ptr %args, ptr %context
  %second = getelementptr ptr, ptr %context, i64 1
  store ptr %steps, ptr %second
  %third = getelementptr ptr, ptr %context, i64 2
  store i64 %n, ptr %third
  %least = call i64 @llvm.smax.i64(i64 %n, i64 1)
  %some = sdiv i64 {max(1, int(GRAIN / cost))}, %least
  %grain = call i64 @llvm.smax.i64(i64 %some, i64 1)
  %twice = mul i64 %grain, 2
  %large = icmp sge i64 %count, %twice
{save}
  br i1 %large, label %parallel, label %alone
parallel:
  call void @rl_pool_run(ptr %task, ptr %context, i64 %count, i64 %grain)
  br label %done
alone:
  call void %task(ptr %context, i64 0, i64 %count)
  br label %done
done:
{restore}
  ret void
}}
{declare}
declare void @rl_pool_run(ptr, ptr, i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
{"".join(sorted(declarations.values()))}{_METADATA}"""


def _task(name: str, writer: RowWriter, rows: Sequence[int]) -> str:
    """Rows begin to end of a call."""
    count = range(len(writer.operands))
    loads, step = [], []
    for k in count:
        loads += [f"  %bp{k} = getelementptr ptr, ptr %args, i64 {k}",
                  f"  %b{k} = load ptr, ptr %bp{k}",
                  f"  %sp{k} = getelementptr i64, ptr %steps, i64 {k}",
                  f"  %s{k} = load i64, ptr %sp{k}"]
        step += [f"  %o{k} = mul i64 %r, %s{k}",
                 f"  %a{k} = getelementptr i8, ptr %b{k}, i64 %o{k}"]
    for j, k in enumerate(rows):
        loads += [f"  %cp{k} = getelementptr i64, ptr %steps, i64 {len(writer.operands) + j}",
                  f"  %c{k} = load i64, ptr %cp{k}"]
    body = "\n".join(line if line.endswith(":") else "  " + line for line in writer.lines)
    newline = "\n"
    return f"""
define internal void @rl_{name}(ptr %context, i64 %begin, i64 %end) nounwind {{
entry:
  %args = load ptr, ptr %context
  %second = getelementptr ptr, ptr %context, i64 1
  %steps = load ptr, ptr %second
  %third = getelementptr ptr, ptr %context, i64 2
  %n = load i64, ptr %third
{newline.join(loads)}
  %any = icmp slt i64 %begin, %end
  br i1 %any, label %row, label %done
row:
  %r = phi i64 [%begin, %entry], [%r.next, %{writer.block}]
{newline.join(step)}
{body}
  %r.next = add nuw nsw i64 %r, 1
  %r.more = icmp slt i64 %r.next, %end
  br i1 %r.more, label %row, label %done
done:
  ret void
}}"""


_ACCESS = ", !llvm.access.group !800"
# Outputs never overlap inputs (NumPy copies where they would), so elements are independent.
_METADATA = """
!800 = distinct !{}
!801 = distinct !{!801, !802, !803}
!802 = !{!"llvm.loop.parallel_accesses", !800}
!803 = !{!"llvm.loop.vectorize.enable", i1 true}
"""

def compile_rows(name: str, body: Body, inputs: Sequence[Operand], outputs: Sequence[Operand],
                 cost: float = 1.0) -> np.ufunc:
    """A generalised ufunc whose rows are computed by `body`.

    `cost` is the time of an element as a multiple of a float32 addition. Raises `Unavailable`
    where the kernel cannot be compiled.
    """
    operands = [*inputs, *outputs]
    ir = rows_ir(body, operands, len(inputs), cost, flag_family())
    (address,) = jit.load(ir, "loop", imports={"rl_pool_run": pool_run_address()})
    marks = ["(n)" if operand.row else "()" for operand in operands]
    signature = f"{','.join(marks[:len(inputs)])}->{','.join(marks[len(inputs):])}"
    return generalised_ufunc(name, signature, [operand.dtype for operand in operands], len(inputs),
                             address)


def generalised_ufunc(name: str, signature: str, dtypes: Sequence[str], inputs: int,
                      address: int) -> np.ufunc:
    """A generalised ufunc of one native loop; `signature` as NumPy writes it."""
    numbers = tuple(np.dtype(dtype).num for dtype in dtypes)
    return make_ufunc(name, [(numbers, address)], inputs, len(dtypes) - inputs, signature=signature)
