"""The native code of average pooling: sums over boxes of each plane, and their transpose.

A window spans a range of places along each of three dimensions, read from tables: pooling with
strides and padding and pooling to a given size are alike. Rows of a window are first added up
element by element, which LLVM vectorises, and only their sum is looked at place by place.
"""

from __future__ import annotations

from rushlight.backends.cpu.pooling_ir import TYPES, call_ir

ARRAYS = ("source", "target", "spans", "divisors")
NUMBERS = ("I0", "I1", "I2", "O0", "O1", "O2")
WIDEST = 4096  # elements of a row: it is summed on the stack


def count_loop(name: str, first: str, last: str, body: str, before: str) -> str:
    """`body` for %name from `first` to `last`; `before` is the block that comes before."""
    return f"""
  br label %{name}.head
{name}.head:
  %{name} = phi i64 [{first}, %{before}], [%{name}.next, %{name}.latch]
  %{name}.more = icmp slt i64 %{name}, {last}
  br i1 %{name}.more, label %{name}.body, label %{name}.end
{name}.body:{body}
  br label %{name}.latch
{name}.latch:
  %{name}.next = add nuw nsw i64 %{name}, 1
  br label %{name}.head
{name}.end:"""


def span_ir(name: str, begin: str, number: str) -> str:
    """%name.first and %name.last: the places of window `number`, whose table starts at `begin`."""
    return f"""
  %{name}.entry = add i64 {begin}, {number}
  %{name}.word = shl i64 %{name}.entry, 1
  %{name}.first.at = getelementptr i64, ptr %spans, i64 %{name}.word
  %{name}.first = load i64, ptr %{name}.first.at
  %{name}.last.at = getelementptr i64, ptr %{name}.first.at, i64 1
  %{name}.last = load i64, ptr %{name}.last.at"""


def task_ir(t: str, arrays: tuple[str, ...], body: str) -> str:
    """The function that a thread runs for some of the planes; `body` is what a plane needs."""
    loads = "".join(f"""
  %{name}.slot = getelementptr i64, ptr %context, i64 {i}
  %{name} = load {'ptr' if name in arrays else 'i64'}, ptr %{name}.slot"""
                    for i, name in enumerate(arrays + NUMBERS))
    planes = count_loop("p", "%begin", "%end", body, "start")
    return f"""
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define internal void @task(ptr noalias %context, i64 %begin, i64 %end) {{
entry:{loads}
  %row = alloca {t}, i64 %I2, align 64
  %row.bytes = mul i64 %I2, {_size(t)}
  %image = mul i64 %I1, %I2
  %size = mul i64 %I0, %image
  %windows.image = mul i64 %O1, %O2
  %windows = mul i64 %O0, %windows.image
  %begin1 = add i64 %O0, 0
  %begin2 = add i64 %O0, %O1
  br label %start
start:{planes}
  ret void
}}
{call_ir(len(arrays), len(NUMBERS))}"""


def _size(t: str) -> int:
    return {"float": 4, "double": 8}[t]


def rows_of_windows(plane: str, body: str, before: str = "p.body") -> str:
    """`body` for each row of windows (%o0, %o1), after `plane`, which ends in the block `before`;
    %cell is the row's first window."""
    inner = count_loop("o1", "0", "%O1", span_ir("s1", "%begin1", "%o1") + """
  %line = mul i64 %o0, %O1
  %line.at = add i64 %line, %o1
  %cell = mul i64 %line.at, %O2""" + body, "o0.body")
    outer = count_loop("o0", "0", "%O0", span_ir("s0", "0", "%o0") + inner, before)
    return plane + outer


def _rows_of_input(body: str, before: str) -> str:
    """`body` for each row of the input that a row of windows sees; %at is its first element."""
    inner = count_loop("i1", "%s1.first", "%s1.last", """
  %at0 = mul i64 %i0, %image
  %at1 = mul i64 %i1, %I2
  %at = add i64 %at0, %at1""" + body, "i0.body")
    return count_loop("i0", "%s0.first", "%s0.last", inner, before)


def average_ir(kind: str) -> str:
    """(planes, windows) of the means of (planes, elements)."""
    t = TYPES[kind]
    add = _rows_of_input(count_loop("j", "0", "%I2", f"""
  %x.at = add i64 %at, %j
  %x.p = getelementptr {t}, ptr %x, i64 %x.at
  %x.v = load {t}, ptr %x.p
  %r.p = getelementptr {t}, ptr %row, i64 %j
  %r.v = load {t}, ptr %r.p
  %r.new = fadd {t} %r.v, %x.v
  store {t} %r.new, ptr %r.p""", "i1.body"), "o1.body")
    total = f"""
  br label %k.head
k.head:
  %k = phi i64 [%s2.first, %o2.body], [%k.next, %k.body]
  %sum = phi {t} [0.0, %o2.body], [%sum.next, %k.body]
  %k.more = icmp slt i64 %k, %s2.last
  br i1 %k.more, label %k.body, label %k.end
k.body:
  %k.p = getelementptr {t}, ptr %row, i64 %k
  %k.v = load {t}, ptr %k.p
  %sum.next = fadd {t} %sum, %k.v
  %k.next = add nuw nsw i64 %k, 1
  br label %k.head
k.end:"""
    means = count_loop("o2", "0", "%O2", span_ir("s2", "%begin2", "%o2") + total + f"""
  %w = add i64 %cell, %o2
  %d.p = getelementptr {t}, ptr %divisors, i64 %w
  %d = load {t}, ptr %d.p
  %mean = fdiv {t} %sum, %d
  %y.p = getelementptr {t}, ptr %y, i64 %w
  store {t} %mean, ptr %y.p""", "i0.end")
    clear = "\n  call void @llvm.memset.p0.i64(ptr %row, i8 0, i64 %row.bytes, i1 false)"
    return task_ir(t, ARRAYS, rows_of_windows(_planes(t, "source", "x", "target", "y"),
                                     clear + add + means))


def spread_ir(kind: str) -> str:
    """The transpose: (planes, elements) of what (planes, windows) give to the places they see."""
    t = TYPES[kind]
    share = count_loop("o2", "0", "%O2", span_ir("s2", "%begin2", "%o2") + f"""
  %w = add i64 %cell, %o2
  %d.p = getelementptr {t}, ptr %divisors, i64 %w
  %d = load {t}, ptr %d.p
  %g.p = getelementptr {t}, ptr %y, i64 %w
  %g = load {t}, ptr %g.p
  %share = fdiv {t} %g, %d""" + count_loop("k", "%s2.first", "%s2.last", f"""
  %k.p = getelementptr {t}, ptr %row, i64 %k
  %k.v = load {t}, ptr %k.p
  %k.new = fadd {t} %k.v, %share
  store {t} %k.new, ptr %k.p""", "o2.body"), "o1.body")
    add = _rows_of_input(count_loop("j", "0", "%I2", f"""
  %r.p = getelementptr {t}, ptr %row, i64 %j
  %r.v = load {t}, ptr %r.p
  %x.at = add i64 %at, %j
  %x.p = getelementptr {t}, ptr %x, i64 %x.at
  %x.v = load {t}, ptr %x.p
  %x.new = fadd {t} %x.v, %r.v
  store {t} %x.new, ptr %x.p""", "i1.body"), "o2.end")
    clear = "\n  call void @llvm.memset.p0.i64(ptr %row, i8 0, i64 %row.bytes, i1 false)"
    plane = _planes(t, "target", "x", "source", "y") + f"""
  %plane.bytes = mul i64 %size, {_size(t)}
  call void @llvm.memset.p0.i64(ptr %x, i8 0, i64 %plane.bytes, i1 false)"""
    return task_ir(t, ARRAYS, rows_of_windows(plane, clear + share + add))


def _planes(t: str, elements: str, x: str, windows: str, y: str) -> str:
    """Where plane %p begins in the array of elements and in that of windows."""
    return f"""
  %{x}.skip = mul i64 %p, %size
  %{x} = getelementptr {t}, ptr %{elements}, i64 %{x}.skip
  %{y}.skip = mul i64 %p, %windows
  %{y} = getelementptr {t}, ptr %{windows}, i64 %{y}.skip"""
